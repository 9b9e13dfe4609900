import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Phase, RunConfig } from '../../../electron/engine/run/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { endedAt, type PhaseChange, withChangedPhases } from '../../../electron/engine/run/phaseChange.ts';
import { learningRateAt, schedule, settingsAt, totalSteps } from '../../../electron/engine/run/schedule.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { smallRun, train, type Trained } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const constant = (steps: number, rate = 3e-3, changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps,
  from: rate,
  to: rate,
  ...changes,
});
const change = (later: Phase[] | null, add: Phase[] = [], started: number | null = null): PhaseChange => ({
  started,
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

  it('are dropped where a run ends, and the phase of that step ends with it, with its rates', () => {
    const long = smallRun({
      phases: [
        { kind: 'warmup', steps: 4, from: 0, to: 1e-3 },
        { kind: 'cosine', tokens: 8 * 64, from: 1e-3, to: 1e-4 },
        constant(5),
      ],
      tokensPerStep: 64,
    });
    const all = schedule(long);
    for (const step of [1, 4, 6, 12, 14, 17]) {
      const ended = withChangedPhases(endedAt(long, step), step, change(null, [constant(2, 5e-4)]));
      const phases = schedule(ended);
      expect(totalSteps(phases)).toBe(step + 2);
      for (let s = 0; s < step; s++) expect(learningRateAt(phases, s)).toBe(learningRateAt(all, s));
      expect(learningRateAt(phases, step)).toBe(5e-4);
      // Once more changes nothing.
      const kept = endedAt(long, step);
      expect(endedAt(kept, step)).toEqual(kept);
    }
    expect(endedAt(long, 14).phases.at(-1)).toEqual(constant(2));
    expect(endedAt(long, 0).phases).toEqual([]);
    expect(() => withChangedPhases(endedAt(long, 0), 0, change(null))).toThrow(/at least one phase/);
    const late = { ...long.phases[1]!, endAfter: 9 };
    expect(() => withChangedPhases(long, 0, change([late]))).toThrow(
      /^Phase 1 has 8 steps and can't end after 9: give it 8 or fewer\.$/,
    );
  });

  it('are not changed by someone who does not know what has begun', () => {
    expect(ratesAt(6, change([], [], 2))).toEqual([3e-3, 2e-3]);
    expect(() => ratesAt(6, change([], [], 1))).toThrow(/has started phase 2 in the meantime \(step 6\)/);
  });

  it('and the one that began last may become longer or shorter, where its rates so far stay', () => {
    const lengthsAt = (step: number, asked: Partial<PhaseChange>): (number | undefined)[] =>
      withChangedPhases(config, step, { ...change(null), ...asked }).phases.map((p) => p.steps ?? p.tokens);
    expect(lengthsAt(7, { current: { steps: 9 } })).toEqual([5, 9, 5]);
    expect(lengthsAt(7, { current: { steps: 2 }, later: [] })).toEqual([5, 2]);
    expect(lengthsAt(7, { current: { tokens: 1000 } })).toEqual([5, 1000, 5]);
    expect(lengthsAt(15, { current: { steps: 6 } })).toEqual([5, 5, 6]);
    expect(() => lengthsAt(7, { current: { steps: 1 } })).toThrow(
      /^Phase 2 \(constant\) has trained 2 steps and can't end after 1: give it 2 or more\.$/,
    );
    expect(() => lengthsAt(7, { current: { steps: 2.5 } })).toThrow(/steps of phase 2/);
    expect(() => lengthsAt(0, { current: { steps: 9 } })).toThrow(/has not started a phase/);
    const cosine = smallRun({ phases: [{ kind: 'cosine', steps: 5, from: 1e-3, to: 1e-4 }] });
    const asked = (steps: number) => () => withChangedPhases(cosine, 2, { ...change(null), current: { steps } });
    for (const steps of [2, 4, 6])
      expect(asked(steps)).toThrow(/^Phase 1 \(cosine\) has started and keeps its 5 steps: another length would/);
    expect(asked(5)()).toEqual(cosine);
  });

  it('whatever is asked: what was trained would be trained again with the same rates and settings', () => {
    const rates = fc.constantFrom(1e-4, 5e-4, 1e-3);
    const anyPhase: fc.Arbitrary<Phase> = fc
      .record({
        kind: fc.constantFrom('warmup', 'cosine', 'constant'),
        steps: fc.integer({ min: 1, max: 8 }),
        from: rates,
        to: rates,
        batch: fc.constantFrom(1, 2, 4),
        optimizer: fc.constantFrom('adamw', 'adamw8bit'),
      })
      .map(({ from, to, ...p }) => {
        const [low, high] = [Math.min(from, to), Math.max(from, to)];
        if (p.kind === 'constant') return { ...p, from, to: from } as Phase;
        return { ...p, from: p.kind === 'warmup' ? low : high, to: p.kind === 'warmup' ? high : low } as Phase;
      });
    const lists = fc.array(anyPhase, { maxLength: 3 });
    const asked = fc.record(
      { later: fc.option(lists), add: lists, current: fc.record({ steps: fc.integer({ min: 1, max: 12 }) }) },
      { requiredKeys: ['later', 'add'] },
    );
    let made = 0;
    fc.assert(
      fc.property(fc.array(anyPhase, { minLength: 1, maxLength: 4 }), fc.nat(30), asked, (list, at, what) => {
        const before = smallRun({ phases: list });
        const step = Math.min(at, totalSteps(schedule(before)));
        let after: RunConfig;
        try {
          after = withChangedPhases(before, step, { started: null, ...what });
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
          return;
        }
        made++;
        const [a, b] = [schedule(before), schedule(after)];
        for (let s = 0; s < step; s++) {
          expect(learningRateAt(b, s)).toBe(learningRateAt(a, s));
          expect(settingsAt(after, b, s)).toEqual(settingsAt(before, a, s));
        }
        expect(totalSteps(b)).toBeGreaterThanOrEqual(step);
      }),
      { numRuns: 300, seed: 7 },
    );
    expect(made).toBeGreaterThan(100);
  });

  it('must make sense', () => {
    expect(() => ratesAt(0, change([]))).toThrow(/at least one phase/);
    expect(() => ratesAt(6, change([constant(5, 1e-3, { batch: 3 })]))).toThrow(/Phase 3 has batch 3/);
    expect(() => ratesAt(6, change([constant(5, 1e-3, { subset: { from: 0, to: 50 } })]))).toThrow(/share documents/);
  });
});

where(describe, [hasCpu, lack.cpu])('a run whose later phases are changed while it trains', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  /** Trains with a change that is asked for after step 3. */
  const changedAtThree = (config: RunConfig, ...asked: PhaseChange[]) =>
    train(device, tempDir(), config, {
      onStep(requests, step) {
        if (step !== 3) return;
        for (const [id, phaseChange] of asked.entries()) {
          requests.changePhases({ id, change: phaseChange, datasetDirs: {} });
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
    ['the one that is trained stretched', { ...change(null), current: { steps: 7 } }, [{ ...first, steps: 7 }, second]],
    ['it shortened, then another', { ...change([other]), current: { steps: 4 } }, [{ ...first, steps: 4 }, other]],
    ['it ended at once', { ...change([other]), current: { steps: 3 } }, [{ ...first, steps: 3 }, other]],
  ])('goes on as if they had been so from the start: %s', async (_, asked, phases) => {
    const run = await changedAtThree(smallRun({ phases: [first, second] }), asked);
    const whole = await train(device, tempDir(), smallRun({ phases }));
    expect(run.losses).toEqual(whole.losses);
    expect(run.outcome.state).toBe('completed');
    expect(run.events.filter((e) => e.type === 'phases')).toEqual([{ type: 'phases', step: 3, request: 0, phases }]);
  });

  it('ends with an evaluation, a sample and a checkpoint where nothing is left to train', async () => {
    const config = smallRun({ phases: [constant(3), second], sampling: { tokens: 1, prompts: ['a'] } });
    const reported = ({ events }: Trained) =>
      events.flatMap((e) => ('step' in e && e.step === 3 && e.type !== 'phases' ? [e.type] : [])).sort();
    const dropped = await changedAtThree(config, change([]));
    const whole = await train(device, tempDir(), smallRun({ ...config, phases: [constant(3)] }));
    expect(dropped.outcome).toMatchObject({ state: 'completed', step: 3 });
    expect(reported(dropped)).toEqual(reported(whole));
    expect(reported(whole)).toEqual(expect.arrayContaining(['checkpoint', 'evaluation', 'sample']));
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
      { type: 'phasesRefused', request: 1, reason: expect.stringContaining('has started phase 1') },
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
