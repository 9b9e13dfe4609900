import { beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../../../electron/engine/devices/device.ts';
import type { RunEvent } from '../../../electron/engine/run/events.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { faulty } from './faulty.ts';
import { smallRun, train, weightsOf } from './harness.ts';
import { queueing } from './queueing.ts';
import { lack, where } from '../../frame/needs.ts';

const config = smallRun({ sampling: { tokens: 3 } });

/** At which steps something was told. */
const steps = (events: readonly RunEvent[], type: RunEvent['type']): number[] => [
  ...new Set(events.flatMap((e) => (e.type === type && 'step' in e ? [e.step] : []))),
];
const done = (events: readonly RunEvent[]) =>
  (['metrics', 'evaluation', 'sample', 'checkpoint'] as const).map((type) => steps(events, type));

where(describe, [hasCpu, lack.cpu])('a run that is told to finish', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(1).open();
  });

  it('makes the step under way its last, with all that belongs behind the last, and goes on from there to the same bits', async () => {
    const [whole, early] = [tempDir(), tempDir()];
    const expected = await train(device, whole, config);
    const first = await train(device, early, config, {
      onStep: (requests, step) => step === 3 && requests.finish(),
    });
    expect(first.outcome).toEqual({
      ...{ state: 'completed', step: 3, stepsTotal: 6 },
      message: 'stopped early at step 3 of 6',
    });
    expect(done(first.events)).toEqual([[1, 2, 3], [0, 3], [0, 3], [3]]);
    const rest = await train(device, early, config, { from: await first.checkpoint(3) });
    expect(rest.outcome).toMatchObject({ state: 'completed', step: 6, message: 'finished after 6 steps' });
    expect([...first.losses, ...rest.losses]).toEqual(expected.losses);
    expect(weightsOf(early, 6)).toEqual(weightsOf(whole, 6));
  });

  it('takes no step that a device which queues has begun', async () => {
    const [plain, queued] = [tempDir(), tempDir()];
    const finish = { onStep: (requests: { finish(): void }, step: number) => void (step === 3 && requests.finish()) };
    const expected = await train(device, plain, config, finish);
    const actual = await train(queueing(device).device, queued, config, finish);
    expect(actual.outcome).toEqual(expected.outcome);
    expect(actual.losses).toEqual(expected.losses);
    expect(weightsOf(queued, 3)).toEqual(weightsOf(plain, 3));
  });

  it('before its first step is complete without one', async () => {
    const { outcome, events } = await train(device, tempDir(), config, {
      onEvent: (requests, e) => e.type === 'started' && requests.finish(),
    });
    expect(outcome).toMatchObject({ state: 'completed', step: 0, message: 'stopped early at step 0 of 6' });
    expect(done(events)).toEqual([[], [0], [0], [0]]);
  });

  it.each(['evaluating', 'sampling', 'checkpointing'] as const)('while it is %s takes no other step', async (what) => {
    const every = {
      evaluation: { ...config.evaluation, every: 2 },
      sampling: { ...config.sampling, every: 2 },
      checkpoints: { ...config.checkpoints, every: 2 },
    };
    const { outcome, events } = await train(
      device,
      tempDir(),
      { ...config, ...every },
      {
        onEvent: (requests, e) => e.type === 'activity' && e.activity === what && e.step === 2 && requests.finish(),
      },
    );
    expect(outcome).toMatchObject({ state: 'completed', step: 2 });
    expect(done(events)).toEqual([[1, 2], [0, 2], [0, 2], [2]]);
    expect(events.filter((e) => e.type === 'evaluation')).toHaveLength(2);
  });

  it('and then to stop leaves out what is not done yet, but for the checkpoint', async () => {
    const { outcome, events } = await train(device, tempDir(), config, {
      onStep: (requests, step) => step === 3 && requests.finish(),
      onEvent: (requests, e) => e.type === 'activity' && e.activity === 'evaluating' && e.step === 3 && requests.stop(),
    });
    expect(outcome).toMatchObject({ state: 'completed', message: 'stopped early at step 3 of 6' });
    expect(done(events)).toEqual([[1, 2, 3], [0], [0], [3]]);
  });

  it('after it was told to stop is complete, rather than to go on later', async () => {
    const { outcome, events } = await train(device, tempDir(), config, {
      onStep(requests, step) {
        if (step !== 3) return;
        requests.stop();
        requests.finish();
      },
    });
    expect(outcome).toMatchObject({ state: 'completed', step: 3 });
    expect(done(events)).toEqual([[1, 2, 3], [0, 3], [0, 3], [3]]);
    const late = await train(device, tempDir(), config, {
      stopAfter: 3,
      onEvent: (requests, e) => e.type === 'checkpoint' && requests.finish(),
    });
    expect(late.outcome).toMatchObject({ state: 'completed', step: 3, message: 'stopped early at step 3 of 6' });
  });

  it('in its last step has not ended early', async () => {
    const { outcome } = await train(device, tempDir(), config, {
      onStep: (requests, step) => step === 6 && requests.finish(),
    });
    expect(outcome).toMatchObject({ state: 'completed', step: 6, message: 'finished after 6 steps' });
  });

  it('while it waits for data does not wait any longer', async () => {
    const waiting = {
      ...config,
      phases: [...config.phases, { kind: 'constant', steps: 4, from: 3e-3, to: 3e-3, dataset: 'another', wait: true }],
    } as typeof config;
    const { outcome, events } = await train(device, tempDir(), waiting, {
      isThere: () => false,
      onEvent: (requests, e) => e.type === 'activity' && e.activity === 'waiting' && requests.finish(),
    });
    expect(outcome).toMatchObject({ state: 'completed', step: 6, message: 'stopped early at step 6 of 10' });
    expect(done(events)).toEqual([[1, 2, 3, 4, 5, 6], [0, 6], [0, 6], [6]]);
  });

  it('as it goes back from a bad step is complete at the one that it goes back to', async () => {
    const bad = faulty(device, (update) => (update === 6 ? 'nan' : undefined));
    const guarded = {
      ...config,
      checkpoints: { ...config.checkpoints, every: 2 },
      guards: { ...config.guards, maxSkips: 1 },
    };
    const { outcome, events } = await train(bad, tempDir(), guarded, {
      onEvent: (requests, e) => e.type === 'activity' && e.activity === 'recovering' && requests.finish(),
    });
    expect(steps(events, 'metrics')).toEqual([1, 2, 3, 4, 5]);
    expect(outcome).toMatchObject({ state: 'completed', step: 4, message: 'stopped early at step 4 of 6' });
  });
});
