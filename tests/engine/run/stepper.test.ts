import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Device, Session } from '../../../electron/engine/devices/device.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { type Fault, faulty } from './faulty.ts';
import { smallRun, train, weightsOf } from './harness.ts';
import { queueing } from './queueing.ts';
import { lack, where } from '../../frame/needs.ts';

const phases = [
  { kind: 'warmup', steps: 3, from: 1e-3, to: 3e-3 },
  { kind: 'cosine', steps: 7, from: 3e-3, to: 1e-3, optimizer: 'adamw8bit', batch: 1 },
] as const;
const config = smallRun({ phases: [...phases], evaluation: { every: 4, sequences: 4 } });

where(describe, [hasCpu, lack.cpu])('on a device that queues', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it('a step is begun before the result of the one before is looked at, unless something comes between', async () => {
    const { device: queue, log } = queueing(device);
    const three = smallRun({ phases: [{ kind: 'constant', steps: 3, from: 3e-3, to: 3e-3 }] });
    await train(queue, tempDir(), { ...three, evaluation: { ...three.evaluation, every: 2 } });
    // Before the first step a run looks at the weights that it starts from.
    const trained = log.slice(log.indexOf('firstMicroBatch'));
    const steps = trained.filter((name) => ['firstMicroBatch', 'microBatch', 'update', 'result'].includes(name));
    expect(steps).toEqual([
      ...['firstMicroBatch', 'microBatch', 'update', 'firstMicroBatch', 'result'],
      ...['microBatch', 'update', 'result'], // behind which it evaluates
      ...['firstMicroBatch', 'microBatch', 'update', 'result'],
    ]);
  });

  const at =
    (kind: Fault, ...updates: number[]) =>
    (update: number) =>
      updates.includes(update) ? kind : undefined;

  it.each([
    ['all is well', config, () => undefined],
    ['the loss scale is halved', { ...config, precision: 'f16' } as typeof config, at('nan', 2, 6)],
    ['steps are skipped', config, at('nan', 2, 6)],
    [
      'it goes back to a checkpoint',
      { ...config, guards: { ...config.guards, maxSkips: 2 }, checkpoints: { every: 5, keepLast: 9 } },
      at('nan', 7, 8),
    ],
  ])('training gives the same bits where %s', async (_, run, faultOf) => {
    const [root, other] = [tempDir(), tempDir()];
    const expected = await train(faulty(device, faultOf), root, run);
    const actual = await train(queueing(faulty(device, faultOf)).device, other, run);
    expect(actual.outcome).toEqual(expected.outcome);
    expect(actual.losses).toEqual(expected.losses);
    expect(weightsOf(other, 10)).toEqual(weightsOf(root, 10));
  });

  it('a run that is stopped, or given another length, takes no step that was begun for nothing', async () => {
    const [root, other] = [tempDir(), tempDir()];
    const whole = await train(device, root, config);
    const first = await train(queueing(device).device, other, config, { stopAfter: 5 });
    const rest = await train(queueing(device).device, other, config, { from: await first.checkpoint(5) });
    expect([...first.losses, ...rest.losses]).toEqual(whole.losses);
    expect(weightsOf(other, 10)).toEqual(weightsOf(root, 10));

    const constant = smallRun({ phases: [{ kind: 'constant', steps: 10, from: 3e-3, to: 3e-3 }] });
    const changed = [device, queueing(device).device].map((on) =>
      train(on, tempDir(), constant, {
        onStep(requests, step) {
          if (step !== 5) return;
          const change = { started: null, current: { steps: 5 }, later: null, add: [] };
          requests.changePhases({ id: 1, change, datasetDirs: {} });
        },
      }),
    );
    const [plain, queued] = await Promise.all(changed);
    expect(queued!.outcome).toMatchObject({ state: 'completed', step: 5 });
    expect(queued!.losses).toEqual(plain!.losses);
  });

  it('goes on with other data than that of the step that was begun', async () => {
    const run = smallRun({ phases: [{ kind: 'constant', steps: 10, from: 3e-3, to: 3e-3 }] });
    const other = { kind: 'constant', steps: 3, from: 3e-3, to: 3e-3, dataset: 'another' } as const;
    const [plain, queued] = await Promise.all(
      [device, queueing(device).device].map((on) =>
        train(on, tempDir(), run, {
          onStep(requests, step) {
            const change = { started: null, current: { steps: 5 }, later: [other], add: [] };
            if (step === 5) requests.changePhases({ id: 1, change, datasetDirs: {} });
          },
        }),
      ),
    );
    expect(queued!.outcome).toMatchObject({ state: 'completed', step: 8 });
    expect(queued!.losses).toEqual(plain!.losses);
  });

  it('a run that can only fail says so as elsewhere', async () => {
    const run = { ...config, guards: { ...config.guards, maxSkips: 1, maxRecoveries: 0 } };
    const faultOf = at('nan', 6);
    const plain = await train(faulty(device, faultOf), tempDir(), run);
    const queued = await train(queueing(faulty(device, faultOf)).device, tempDir(), run);
    expect(queued.outcome).toMatchObject({ state: 'failed' });
    expect(queued.outcome.message).toBe(plain.outcome.message);
  });

  it('time that a phase waits for its data is no step’s', async () => {
    const run = smallRun({
      phases: [
        { kind: 'constant', steps: 3, from: 3e-3, to: 3e-3 },
        { kind: 'constant', steps: 2, from: 3e-3, to: 3e-3, dataset: 'another', wait: true },
      ],
    });
    const now = performance.now.bind(performance);
    let [asked, waited] = [0, 0];
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + waited);
    onTestFinished(() => clock.mockRestore());
    const isThere = () => {
      const there = ++asked > 1;
      if (!there) waited += 1e9; // a week and a half
      return there;
    };
    const { outcome, events } = await train(queueing(device).device, tempDir(), run, { isThere });
    expect(outcome).toMatchObject({ state: 'completed', step: 5 });
    expect(waited).toBe(1e9);
    for (const e of events) if (e.type === 'metrics') expect(e.stepMs).toBeLessThan(waited);
  });

  it.each([
    ['the only micro-batch of a step', 1, 'firstMicroBatch'],
    ['the last micro-batch of a step', 2, 'microBatch'],
    ['an update', 2, 'update'],
  ])('%s that fails ends the run, and leaves nothing running', async (_, microBatches, program) => {
    let session: Session | undefined;
    const failing: Device = {
      ...device,
      async load(programs, plan) {
        const inner = await device.load(programs, plan);
        let runs = 0;
        return {
          queues: false,
          write: (b, data) => inner.write(b, data),
          read: (b, target) => inner.read(b, target),
          fetch: (buffers) => inner.fetch(buffers),
          allocatedBytes: () => inner.allocatedBytes(),
          close: () => inner.close(),
          async run(p, times) {
            if (p.name === program && ++runs === 2) throw new Error('a token is out of range');
            await inner.run(p, times);
          },
        };
      },
    };
    const { device: queue } = queueing(failing);
    const watched: Device = {
      ...queue,
      load: async (programs, plan) => (session = await queue.load(programs, plan)),
    };
    const run = smallRun({ batch: 4 / microBatches, phases: [{ kind: 'constant', steps: 6, from: 3e-3, to: 3e-3 }] });
    await expect(train(watched, tempDir(), run)).rejects.toThrow('a token is out of range');
    session!.close(); // which nothing may hold up
  });
});
