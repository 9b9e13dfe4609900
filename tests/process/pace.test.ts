import { describe, expect, it } from 'vitest';
import { Pace } from '../../electron/process/pace.ts';

describe('the pace of a run', () => {
  it('is not known at first, nor where the end is not', () => {
    const pace = new Pace();
    expect(pace.secondsLeft(0, 0, 1000)).toBeNull();
    expect(pace.secondsLeft(4999, 50, 1000)).toBeNull();
    expect(pace.secondsLeft(5000, 100, 1000)).toBe(45);
    expect(pace.secondsLeft(6000, 120, null)).toBeNull();
  });

  it('is that of the last two minutes', () => {
    const pace = new Pace();
    let tokens = 0;
    // Slow for ten minutes, then ten times as fast.
    for (let second = 0; second < 600; second++) pace.secondsLeft(second * 1000, tokens++, 100_000);
    let left: number | null = null;
    for (let second = 600; second < 800; second++) left = pace.secondsLeft(second * 1000, (tokens += 10), 100_000);
    expect(left).toBe(Math.round((100_000 - tokens) / 10));
  });

  it('is measured anew when the run goes back', () => {
    const pace = new Pace();
    pace.secondsLeft(0, 500, 1000);
    expect(pace.secondsLeft(10_000, 600, 1000)).toBe(40);
    expect(pace.secondsLeft(11_000, 100, 1000)).toBeNull();
    expect(pace.secondsLeft(21_000, 200, 1000)).toBe(80);
  });

  it('has nothing left at the end, and no infinity while nothing moves', () => {
    const pace = new Pace();
    expect(pace.secondsLeft(0, 0, 100)).toBeNull();
    expect(pace.secondsLeft(60_000, 0, 100)).toBeNull();
    expect(pace.secondsLeft(70_000, 100, 100)).toBe(0);
  });
});
