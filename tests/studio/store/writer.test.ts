import { afterEach, expect, test, vi } from 'vitest';
import type { MetricsRow } from '../../../electron/studio/store/index.ts';
import { MetricsWriter } from '../../../electron/studio/store/metrics/writer.ts';

afterEach(() => {
  vi.useRealTimers();
});

const row = (step: number): MetricsRow => ({ step, time: step });

test('writes by number, by time, when asked, and when closed', () => {
  vi.useFakeTimers();
  const batches: number[][] = [];
  const writer = new MetricsWriter((rows) => batches.push(rows.map((r) => r.step)), { maxRows: 3, maxDelayMs: 100 });
  for (let step = 1; step <= 4; step++) writer.add(row(step));
  expect(batches).toEqual([[1, 2, 3]]);
  vi.advanceTimersByTime(99);
  expect(batches).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(batches[1]).toEqual([4]);
  writer.add(row(5));
  writer.flush();
  writer.flush();
  expect(batches[2]).toEqual([5]);
  writer.add(row(6));
  writer.close();
  writer.close();
  vi.advanceTimersByTime(1000);
  expect(batches).toEqual([[1, 2, 3], [4], [5], [6]]);
  expect(() => writer.add(row(7))).toThrow(/closed/);
});

test('what fails in the background is thrown by the next call, and no row is lost', () => {
  vi.useFakeTimers();
  let full = true;
  const stored: number[] = [];
  const writer = new MetricsWriter(
    (rows) => {
      if (full) throw new Error('the disk is full');
      stored.push(...rows.map((r) => r.step));
    },
    { maxRows: 100, maxDelayMs: 10 },
  );
  writer.add(row(1));
  vi.advanceTimersByTime(10);
  expect(() => writer.add(row(2))).toThrow('the disk is full');
  expect(() => writer.close()).toThrow('the disk is full');
  full = false;
  writer.add(row(2));
  writer.close();
  expect(stored).toEqual([1, 2]);
});
