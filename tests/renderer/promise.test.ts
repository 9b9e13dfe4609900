import { describe, expect, it } from 'vitest';
import { expectedOf, trainedSeconds } from '../../renderer/pages/run/promise.ts';

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
    const said = { seconds: 7, how: 'measured', on: 'CPU' };
    expect(expectedOf([event('started', 1000), event('promise', 2000, said)], [5000])).toMatchObject({ seconds: 7 });
    expect(expectedOf([event('started', 1000)], [5000])).toBeUndefined();
  });

  it('is what it had trained and what was left, where its phases were changed', () => {
    const first = event('promise', 1001, { seconds: 7, how: 'measured' });
    const second = { ...event('promise', 100_001, { seconds: 20, how: 'computed' }), step: 40 };
    const events = [event('started', 1000), first, event('paused', 4000), event('started', 100_000), second];
    // Two seconds before, whatever it takes behind.
    for (const later of [[], [100_500], [130_000]])
      expect(expectedOf(events, [1500, 3000, ...later])).toEqual({ seconds: 22, how: 'computed', from: 40 });
  });
});
