import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Paced } from '../../renderer/state/paced.ts';

describe('news of a page', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  /** Frames of a window that is seen, each when it is asked for and its time has come. */
  function frames(everyMs: number) {
    vi.stubGlobal('window', { requestAnimationFrame: (draw: () => void) => setTimeout(draw, everyMs) });
  }

  it('are taken together, once a frame, in their order', async () => {
    frames(16);
    const taken: [number, number][] = [];
    const news = new Paced<number>((item) => taken.push([performance.now(), item]));
    const start = performance.now();
    for (let i = 0; i < 5; i++) news.add(i);
    expect(taken).toEqual([]);
    await vi.advanceTimersByTimeAsync(20);
    expect(taken.map(([, item]) => item)).toEqual([0, 1, 2, 3, 4]);
    expect(new Set(taken.map(([at]) => at - start))).toEqual(new Set([16]));
  });

  it('leave the page half of its time, however much comes', async () => {
    frames(16);
    // A clock that what is drawn moves on, beside that of the timers.
    let renderedMs = 0;
    const timers = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => timers() + renderedMs);
    const batches: { at: number; renderedMs: number }[] = [];
    const news = new Paced<number>(() => {
      if (batches.at(-1)?.at !== timers()) batches.push({ at: timers(), renderedMs: 0 });
      batches.at(-1)!.renderedMs += 100;
      renderedMs += 100;
    });
    const feed = setInterval(() => news.add(1), 20);
    await vi.advanceTimersByTimeAsync(3000);
    clearInterval(feed);
    vi.restoreAllMocks();
    expect(batches.length).toBeGreaterThan(2);
    batches.slice(1).forEach(({ at }, i) => {
      const before = batches[i]!;
      expect(at - before.at).toBeGreaterThanOrEqual(before.renderedMs);
    });
  });

  it('come to a window that is not seen, too, and nothing is lost where it is told to take them now', async () => {
    vi.stubGlobal('window', { requestAnimationFrame: () => 0 });
    const taken: number[] = [];
    const news = new Paced<number>((item) => taken.push(item));
    news.add(1);
    await vi.advanceTimersByTimeAsync(249);
    expect(taken).toEqual([]);
    await vi.advanceTimersByTimeAsync(2);
    expect(taken).toEqual([1]);
    news.add(2);
    news.drain();
    expect(taken).toEqual([1, 2]);
    await vi.runAllTimersAsync();
    expect(taken).toEqual([1, 2]);
  });
});
