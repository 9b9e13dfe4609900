import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, type MetricsRow, metricNames } from '../../../electron/studio/store/index.ts';
import { addValue, emptyBucket, isEmpty } from '../../../electron/studio/store/metrics/buckets.ts';
import { bucketWidth, cover } from '../../../electron/studio/store/metrics/series.ts';
import { newRun, testStore, withDatabase } from './helpers.ts';

/** Whole numbers, so that sums don't depend on their order, and what is not a number. */
const value = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: -50, max: 50 }) },
  { weight: 1, arbitrary: fc.constantFrom<number | null>(Number.NaN, null) },
);

/** Rows in the order of their steps: some dense, some with gaps. */
const manyRows = fc
  .array(fc.tuple(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })), value), {
    minLength: 1,
    maxLength: 700,
    size: 'max',
  })
  .chain((list) => fc.tuple(fc.constant(list), fc.integer({ min: 0, max: 300 })))
  .map(([list, start]) => {
    let step = start;
    return list.map(([gap, loss]): MetricsRow => {
      step += gap;
      return { step, time: 1e12 + step, loss };
    });
  });

/** What is written by one commit: a disk may take its time for each, so thousands of rows don't come one by one. */
const rowsAtOnce = fc.integer({ min: 20, max: 99 });
/** These do. */
const oneByOne = Array.from({ length: 60 }, (_, i): MetricsRow => {
  return { step: i + (i > 30 ? 9 : 0), time: 1e12 + i, loss: i % 17 === 0 ? Number.NaN : (i * 7) % 23 };
});

function bruteForce(rows: readonly MetricsRow[], from: number, to: number, points: number): Bucket[] {
  const inside = rows.filter((r) => r.step >= from && r.step <= to);
  if (inside.length === 0) return [];
  const [first, last] = [Math.max(from, rows[0]!.step), Math.min(to, rows[rows.length - 1]!.step)];
  const width = bucketWidth(first, last, points);
  const buckets = new Map<number, Bucket>();
  for (const { step, loss } of inside) {
    const start = step - (step % width);
    const bucket = buckets.get(start) ?? emptyBucket(start, start + width - 1);
    buckets.set(start, bucket);
    if (loss !== null && loss !== undefined) addValue(bucket, step, loss);
  }
  return [...buckets.values()].filter((b) => !isEmpty(b));
}

test('a decimated read is what brute force over the rows gives, for any range', () => {
  const store = testStore();
  const query = fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 9000 }), fc.nat(60));
  fc.assert(
    fc.property(manyRows, fc.array(query, { minLength: 3, maxLength: 3 }), rowsAtOnce, (rows, queries, maxRows) => {
      const { id } = newRun(store);
      const writer = store.metrics.writer(id, { maxRows });
      for (const row of rows) writer.add(row);
      writer.close();
      expect(store.metrics.buckets(id, 'loss', { points: 5 })).toEqual(bruteForce(rows, 0, 1e9, 5));
      for (const [fromStep, length, more] of queries) {
        const [toStep, points] = [fromStep + length, more + 1];
        const expected = bruteForce(rows, fromStep, toStep, points);
        expect(store.metrics.buckets(id, 'loss', { fromStep, toStep, points })).toEqual(expected);
        expect(expected.length).toBeLessThanOrEqual(points);
        const series = store.metrics.series(id, 'loss', { fromStep, toStep, points });
        const nans = series.filter((p) => Number.isNaN(p.value)).length;
        expect(series.length - nans).toBeLessThanOrEqual(2 * points + 2);
        const measured = rows.filter((r) => r.step >= fromStep && r.step <= toStep && r.loss !== null);
        expect(series[0]?.step).toBe(measured[0]?.step);
        expect(series.at(-1)?.step).toBe(measured.at(-1)?.step);
        const { means, width } = store.metrics.measure(id, 'loss', { fromStep, toStep, points });
        expect(means).toHaveLength(expected.length);
        means.forEach((mean, i) => {
          const b = expected[i]!;
          expect(mean.value).toBe(b.count === 0 ? Number.NaN : b.sum / b.count);
          expect(mean.step >= b.fromStep && mean.step <= b.toStep).toBe(true);
        });
        if (width === 1) expect(means).toEqual(series);
        expect(series.map((p) => p.step)).toEqual(series.map((p) => p.step).sort((a, b) => a - b));
        for (const p of series) expect(rows.find((r) => r.step === p.step)!.loss).toBe(p.value);
      }
    }),
    {
      numRuns: 40,
      examples: [
        [
          oneByOne,
          [
            [0, 9000, 9],
            [7, 30, 3],
            [40, 0, 0],
          ],
          1,
        ],
      ],
    },
  );
});

const rollupsOf = (file: string, id: string): unknown[] =>
  withDatabase(file, (db) =>
    db
      .prepare(
        'SELECT * FROM rollups WHERE run = (SELECT serial FROM runs WHERE id = ?) ORDER BY metric, level, bucket',
      )
      .all(id)
      .map((row) => ({ ...(row as object), run: 0 })),
  );

test('roll-ups after cutting and training on are those of a run that was never cut, to the last bit', () => {
  const store = testStore();
  const noisy = manyRows.map((rows) =>
    rows.map((r) => ({ ...r, loss: typeof r.loss === 'number' ? r.loss / 7 : null })),
  );
  fc.assert(
    fc.property(noisy, fc.integer({ min: -1, max: 4000 }), rowsAtOnce, (rows, cut, maxRows) => {
      const [kept, cutRun, whole] = [newRun(store).id, newRun(store).id, newRun(store).id];
      const write = (id: string, some: readonly MetricsRow[]) => {
        const writer = store.metrics.writer(id, { maxRows });
        for (const row of some) writer.add(row);
        writer.close();
      };
      const before = rows.filter((r) => r.step <= cut);
      write(whole, rows);
      write(kept, before);
      write(cutRun, rows);
      store.runs.truncateAfter(cutRun, cut);
      expect(rollupsOf(store.file, cutRun)).toEqual(rollupsOf(store.file, kept));
      expect(store.metrics.read(cutRun)).toEqual(store.metrics.read(kept));
      write(
        cutRun,
        rows.filter((r) => r.step > cut),
      );
      expect(rollupsOf(store.file, cutRun)).toEqual(rollupsOf(store.file, whole));
    }),
    { numRuns: 25, examples: [[oneByOne, 23, 1]] },
  );
});

test('rows that come late or twice leave the same roll-ups as in order', () => {
  const store = testStore();
  const rows = Array.from({ length: 400 }, (_, step): MetricsRow => ({ step, time: step, loss: Math.sin(step) }));
  const [straight, shuffled] = [newRun(store).id, newRun(store).id];
  const insert = (id: string, some: readonly MetricsRow[]) => {
    const writer = store.metrics.writer(id, { maxRows: 37 });
    for (const row of some) writer.add(row);
    writer.close();
  };
  insert(straight, rows);
  insert(
    shuffled,
    rows.map(({ step, time }) => ({ step, time, loss: 99, gradNorm: 5 })),
  );
  insert(
    shuffled,
    rows.toSorted((a, b) => ((a.step * 7919) % 400) - ((b.step * 7919) % 400)),
  );
  expect(rollupsOf(store.file, shuffled)).toEqual(rollupsOf(store.file, straight));
  expect(store.metrics.series(shuffled, 'gradNorm')).toEqual([]);
});

test('a cover counts every step once, and takes no more rows of a level than its fan-out at either end', () => {
  fc.assert(
    fc.property(fc.nat(70_000), fc.nat(70_000), fc.integer({ min: 0, max: 4 }), (from, length, level) => {
      const to = from + length;
      let next = from;
      for (const s of cover(from, to, level)) {
        expect(s.first * 16 ** s.level).toBe(next);
        next = (s.last + 1) * 16 ** s.level;
        if (s.level < level) expect(s.last - s.first + 1).toBeLessThan(32);
      }
      expect(next).toBe(to + 1);
    }),
  );
});

test('buckets of a growing run stay where they are or merge in pairs', () => {
  let width = 1;
  for (let last = 0; last < 5000; last++) {
    const next = bucketWidth(0, last, 100);
    expect([width, width * 2]).toContain(next);
    width = next;
  }
});

test('200,000 rows: every extreme is found, whatever the column', () => {
  const store = testStore();
  const { id } = newRun(store);
  const writer = store.metrics.writer(id, { maxRows: 4096 });
  const rows = 200_000;
  const peaks = new Map([
    [23_457, 1e6],
    [100_000, -1e6],
    [199_999, 2e6],
  ]);
  for (let step = 0; step < rows; step++) {
    const loss = peaks.get(step) ?? (step * 7919) % 1000;
    writer.add({ step, time: step, loss, gradNorm: -loss, learningRate: 1, tokensSeen: step * 512 });
  }
  writer.close();
  for (const [metric, sign] of [
    ['loss', 1],
    ['gradNorm', -1],
  ] as const) {
    const series = store.metrics.series(id, metric, { points: 1000 });
    expect(series.length).toBeLessThanOrEqual(2002);
    expect(series.at(-1)!.step).toBe(rows - 1);
    for (const [step, peak] of peaks) expect(series).toContainEqual({ step, value: sign * peak });
  }
  expect(store.metrics.buckets(id, 'tokensSeen', { points: 1 })).toMatchObject([
    { count: rows, min: 0, minStep: 0, max: (rows - 1) * 512, maxStep: rows - 1, sum: ((rows * (rows - 1)) / 2) * 512 },
  ]);
  const tail = store.metrics.buckets(id, 'loss', { fromStep: 99_990, toStep: 100_010, points: 3 });
  expect(tail.reduce((n, b) => n + b.count, 0)).toBe(21);
  store.runs.truncateAfter(id, 120_000);
  expect(store.metrics.buckets(id, 'loss', { points: 1 })).toMatchObject([
    { count: 120_001, max: 1e6, maxStep: 23_457 },
  ]);
  expect(store.runs.get(id)).toMatchObject({ step: 120_000, tokensSeen: 120_000 * 512 });
});

test('numbers come back as they were: NaN, infinities, the smallest, the largest, nothing', () => {
  const store = testStore();
  const { id } = newRun(store);
  const values = [Number.NaN, Infinity, -Infinity, 5e-324, Number.MAX_VALUE, -Number.MAX_VALUE, 0.1, 3, null];
  const writer = store.metrics.writer(id);
  for (const [step, v] of values.entries()) {
    writer.add({ step, time: 1, ...Object.fromEntries(metricNames.filter((n) => n !== 'time').map((n) => [n, v])) });
  }
  writer.close();
  for (const metric of metricNames.filter((n) => n !== 'time')) {
    expect(store.metrics.read(id).map((row) => row[metric])).toEqual(values);
    const known = values.flatMap((v, step) => (v === null ? [] : [{ step, value: v }]));
    expect(store.metrics.series(id, metric)).toEqual(known);
    const one = store.metrics.series(id, metric, { points: 1 });
    // The first NaN, the extremes, and the newest.
    expect(one).toEqual([known[0], known[1], known[2], known[7]]);
  }
});

test("a NaN loss is the run's last loss", () => {
  const store = testStore();
  const { id } = newRun(store);
  const writer = store.metrics.writer(id);
  writer.add({ step: 1, time: 1, loss: Number.NaN });
  writer.close();
  expect(store.runs.get(id).lastLoss).toBeNaN();
});

test('a metric that does not exist is refused before it gets into a query', () => {
  const store = testStore();
  const { id } = newRun(store);
  expect(() => store.metrics.series(id, 'loss; DROP TABLE runs' as 'loss')).toThrow(RangeError);
});
