import { describe, expect, it } from 'vitest';
import { promiseOf, trainedSeconds } from '../../renderer/pages/run/promise.ts';

const event = (kind: string, time: number, data: unknown = null) => ({
  ...{ id: time, step: 0, level: 'info' as const, message: '' },
  ...{ kind, time, data },
});

describe('what a run was promised', () => {
  it('counts the time of each start to its last step, and no rest', () => {
    const events = [event('started', 1000), event('paused', 4000), event('started', 100_000)];
    // Two seconds, then three.
    expect(trainedSeconds(events, [1500, 3000, 101_000, 103_000])).toBe(5);
    expect(trainedSeconds(events, [1500, 3000])).toBe(2);
    expect(trainedSeconds(events, [])).toBe(0);
  });

  it('is what was kept when it was started', () => {
    expect(promiseOf([event('started', 1), event('promise', 2, { seconds: 7 })])).toEqual({ seconds: 7 });
    expect(promiseOf([event('started', 1)])).toBeUndefined();
  });
});
