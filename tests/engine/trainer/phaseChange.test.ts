import { beforeAll, describe, expect, it } from 'vitest';
import type { Phase, RunConfig } from '../../../electron/engine/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { type PhaseChange, withChangedPhases } from '../../../electron/engine/trainer/phaseChange.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { smallRun, train, type Trained } from './harness.ts';

const constant = (steps: number, rate = 3e-3, changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps,
  from: rate,
  to: rate,
  ...changes,
});
const change = (later: Phase[] | null, add: Phase[] = [], begun: number | null = null): PhaseChange => ({
  begun,
  later,
  add,
});

describe('later phases', () => {
  const config = smallRun({ phases: [constant(5), constant(5, 2e-3), constant(5, 1e-3)] });
  const ratesAt = (step: number, asked: PhaseChange): number[] =>
    withChangedPhases(config, step, asked).phases.map((p) => p.from);

  it('are what comes after those of which a step is trained', () => {
    expect(ratesAt(0, change([constant(1, 9e-4)]))).toEqual([9e-4]);
    expect(ratesAt(1, change([constant(1, 9e-4)]))).toEqual([3e-3, 9e-4]);
    expect(ratesAt(5, change([constant(1, 9e-4)]))).toEqual([3e-3, 9e-4]);
    expect(ratesAt(6, change([]))).toEqual([3e-3, 2e-3]);
    expect(ratesAt(6, change(null, [constant(1, 9e-4)]))).toEqual([3e-3, 2e-3, 1e-3, 9e-4]);
    expect(ratesAt(15, change(null, [constant(1, 9e-4)]))).toEqual([3e-3, 2e-3, 1e-3, 9e-4]);
  });

  it('are not changed by someone who does not know what has begun', () => {
    expect(ratesAt(6, change([], [], 2))).toEqual([3e-3, 2e-3]);
    expect(() => ratesAt(6, change([], [], 1))).toThrow(/has begun phase 2 in the meantime \(step 6\)/);
  });

  it('must make sense', () => {
    expect(() => ratesAt(0, change([]))).toThrow(/at least one phase/);
    expect(() => ratesAt(6, change([constant(5, 1e-3, { batch: 3 })]))).toThrow(/Phase 3 has batch 3/);
    expect(() => ratesAt(6, change([constant(5, 1e-3, { subset: { from: 0, to: 50 } })]))).toThrow(/share documents/);
  });
});

describe.skipIf(!hasCpu)('a run whose later phases are changed while it trains', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  /** Trains with a change that is asked for after step 3. */
  const changedAtThree = (config: RunConfig, ...asked: PhaseChange[]) =>
    train(device, tempDir(), config, {
      onStep(trainer, step) {
        if (step !== 3) return;
        for (const [id, phaseChange] of asked.entries()) {
          trainer.requestPhases({ id, change: phaseChange, datasetDirs: {} });
        }
      },
    });
  const [first, second] = [constant(5), constant(5, 2e-3)];
  const other = constant(6, 1e-3, { optimizer: 'adamw8bit', batch: 1, dataset: 'news' });

  it.each([
    ['replaced', change([other]), [first, other]],
    ['added', change(null, [other]), [first, second, other]],
    ['dropped', change([]), [first]],
    ['stretched', change([{ ...second, steps: 8 }]), [first, { ...second, steps: 8 }]],
  ])('goes on as if they had been so from the start: %s', async (_, asked, phases) => {
    const run = await changedAtThree(smallRun({ phases: [first, second] }), asked);
    const whole = await train(device, tempDir(), smallRun({ phases }));
    expect(run.losses).toEqual(whole.losses);
    expect(run.outcome.state).toBe('completed');
    expect(run.events.filter((e) => e.type === 'phases')).toEqual([{ type: 'phases', step: 3, request: 0, phases }]);
  });

  it('ends with an evaluation, a sample and a checkpoint where nothing is left to train', async () => {
    const config = smallRun({ phases: [constant(3), second], sampling: { tokens: 1, prompts: ['a'] } });
    const told = ({ events }: Trained) =>
      events.flatMap((e) => ('step' in e && e.step === 3 && e.type !== 'phases' ? [e.type] : [])).sort();
    const dropped = await changedAtThree(config, change([]));
    const whole = await train(device, tempDir(), smallRun({ ...config, phases: [constant(3)] }));
    expect(dropped.outcome).toMatchObject({ state: 'completed', step: 3 });
    expect(told(dropped)).toEqual(told(whole));
    expect(told(whole)).toEqual(expect.arrayContaining(['checkpoint', 'evaluation', 'sample']));
  });

  it('answers each request in turn, and leaves all as it was where it refuses', async () => {
    const config = smallRun({ phases: [first, second] });
    const run = await changedAtThree(
      config,
      change([constant(5, 1e-3, { batch: 3 })]),
      change([other], [], 0),
      change([], [], 1),
    );
    const answers = run.events.filter((e) => e.type === 'phases' || e.type === 'phasesRefused');
    expect(answers).toMatchObject([
      { type: 'phasesRefused', request: 0, reason: expect.stringContaining('batch 3') },
      { type: 'phasesRefused', request: 1, reason: expect.stringContaining('has begun phase 1') },
      { type: 'phases', request: 2 },
    ]);
    expect(run.losses).toEqual((await train(device, tempDir(), smallRun({ phases: [first] }))).losses);
  });

  it('tells of nothing else before the change is stored', async () => {
    const config = smallRun({ phases: [first, second] });
    const run = await changedAtThree(config, change([other]));
    const at = run.events.findIndex((e) => e.type === 'phases');
    expect(run.events[at - 1]).toMatchObject({ type: 'metrics', step: 3 });
    expect(run.flushes).toContain(at + 1);
  });
});
