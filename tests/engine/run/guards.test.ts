import { describe, expect, it } from 'vitest';
import { freshGuards, type GuardState, judge, robustZ } from '../../../electron/engine/run/stability.ts';

const guards = { spike: 10, spikeSteps: 3, window: 30, maxSkips: 3, maxRecoveries: 2 };
const good = (loss: number) => ({ loss, gradNorm: 1, skipped: false, scaled: false });
const bad = { loss: Number.NaN, gradNorm: Number.NaN, skipped: true, scaled: false };

/** The state after some good steps. */
function after(losses: readonly number[]): GuardState {
  return losses.reduce((state: GuardState, loss) => {
    const verdict = judge(state, good(loss), guards);
    if (verdict.kind !== 'good') expect.fail(`loss ${loss}: ${verdict.kind}`);
    return (verdict as { state: GuardState }).state;
  }, freshGuards);
}

const noisy = Array.from({ length: 60 }, (_, i) => 3 - i / 100 + 0.1 * Math.sin(12.9898 * i));

describe('robust z-scores', () => {
  it('count deviations of a normal sample as standard deviations, outliers or not', () => {
    const sample = [-2, -1.5, -1, -0.6745, -0.5, 0, 0.5, 0.6745, 1, 1.5, 2];
    expect(robustZ(sample, 1.4826)).toBeCloseTo(1, 1);
    expect(robustZ([...sample, 1e9], 1.4826)).toBeCloseTo(1, 0);
  });

  it('find no spike in a flat curve that moves by a hair', () => {
    expect(robustZ(new Array<number>(50).fill(2), 2.001)).toBeCloseTo(0.5, 10);
  });
});

describe('the guards of a run', () => {
  it('let noise and falling losses pass, and remember a window of them', () => {
    expect(after(noisy).recentLosses).toEqual(noisy.slice(-30));
  });

  it('call for recovery when the loss jumps up and stays, not at a drop or at one odd batch', () => {
    const state = after(noisy);
    expect(judge(state, good(0.1), guards).kind).toBe('good');
    let spiking = state;
    for (const row of [1, 2]) {
      const verdict = judge(spiking, good(6), guards);
      expect(verdict).toMatchObject({ kind: 'good', state: { spikesInARow: row, recentLosses: state.recentLosses } });
      spiking = (verdict as { state: GuardState }).state;
    }
    const reason = expect.stringMatching(/jumped to 6\.000 from about 2\.5\d+ and stayed/);
    expect(judge(spiking, good(6), guards)).toMatchObject({ kind: 'recover', reason });
    expect(judge(spiking, good(2.5), guards)).toMatchObject({ kind: 'good', state: { spikesInARow: 0 } });
    expect(judge(spiking, good(6), { ...guards, spike: 0 }).kind).toBe('good');
    expect(judge(after(noisy.slice(0, 10)), good(6), { ...guards, spikeSteps: 1 }).kind).toBe('good'); // too little is known
  });

  it('skip single steps without a finite gradient, and call for recovery after some in a row', () => {
    let state = after(noisy);
    for (const row of [1, 2]) {
      const verdict = judge(state, bad, guards);
      expect(verdict).toMatchObject({ kind: 'skip', state: { skipsInARow: row, recentLosses: state.recentLosses } });
      state = (verdict as { state: GuardState }).state;
    }
    expect(judge(state, bad, guards)).toMatchObject({
      kind: 'recover',
      reason: expect.stringContaining('3 times in a row'),
    });
    expect(judge(state, good(2.5), guards)).toMatchObject({ kind: 'good', state: { skipsInARow: 0 } });
  });

  it('call for recovery when the loss is not finite though the gradient was applied', () => {
    expect(judge(freshGuards, good(Number.POSITIVE_INFINITY), guards).kind).toBe('recover');
  });
});
