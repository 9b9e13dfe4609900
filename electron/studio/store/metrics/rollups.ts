import type { Connection } from '../connection.ts';
import { fromStored, type StoredNumber } from '../schema.ts';
import { addBucket, addValue, type Bucket, emptyBucket, isEmpty } from './buckets.ts';
import { metricNames } from './columns.ts';

/**
 * Roll-ups: a tree over the steps of each measure. A bucket of level 1 sums up 16 steps' rows, one of level n 16 buckets
 * of level n − 1; bucket b of level n covers the steps [b·16ⁿ, (b+1)·16ⁿ). A bucket is a pure function of its children,
 * in their order, so that rebuilding any part gives the very rows that inserting gave.
 */
export const fanout = 16;
export const levels = 5;

export const widthOf = (level: number): number => fanout ** level;

const allMetrics = metricNames.join(', ');

/** `bucket, count, nanStep, min, minStep, max, maxStep, sum` as an array. */
export type RollupRow = [
  number,
  number,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
  number | null,
];

/** Adds a stored bucket of the given level to a wider one. */
export function addRow(into: Bucket, row: RollupRow): void {
  const [, count, nanStep, min, minStep, max, maxStep, sum] = row;
  addBucket(into, {
    fromStep: 0,
    toStep: 0,
    count,
    nanStep,
    min: min ?? 0,
    minStep: minStep ?? 0,
    max: max ?? 0,
    maxStep: maxStep ?? 0,
    // The sum of infinities of both signs is NaN, which SQLite stores as NULL.
    sum: sum ?? Number.NaN,
  });
}

/** Rows of `bucket..` for one run, measure and level, in order. */
export const rollupQuery = `SELECT bucket, count, nanStep, min, minStep, max, maxStep, sum FROM rollups
  WHERE run = ? AND metric = ? AND level = ? AND bucket BETWEEN ? AND ? ORDER BY bucket`;

/** Computes the buckets that cover any of the steps from..to anew, from the rows up; call it inside a transaction. */
export function rebuild(connection: Connection, run: number, from: number, to: number): void {
  const insert = connection.prepare(
    `INSERT OR REPLACE INTO rollups (run, metric, level, bucket, count, nanStep, min, minStep, max, maxStep, sum)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const store = (metric: number, level: number, bucket: number, b: Bucket) => {
    if (isEmpty(b)) return;
    if (b.count === 0) insert.run(run, metric, level, bucket, 0, b.nanStep, null, null, null, null, 0);
    else insert.run(run, metric, level, bucket, b.count, b.nanStep, b.min, b.minStep, b.max, b.maxStep, b.sum);
  };
  rebuildFromRows(connection, run, Math.floor(from / fanout), Math.floor(to / fanout), store);
  const children = connection.prepare(rollupQuery).raw();
  for (let level = 2; level <= levels; level++) {
    const [first, last] = [Math.floor(from / widthOf(level)), Math.floor(to / widthOf(level))];
    for (let metric = 0; metric < metricNames.length; metric++) {
      const rows = children.all(run, metric, level - 1, first * fanout, last * fanout + fanout - 1) as RollupRow[];
      let open: Bucket | undefined;
      let bucket = -1;
      for (const row of rows) {
        const parent = Math.floor(row[0] / fanout);
        if (parent !== bucket) {
          if (open) store(metric, level, bucket, open);
          bucket = parent;
          open = emptyBucket(0, 0);
        }
        addRow(open!, row);
      }
      if (open) store(metric, level, bucket, open);
    }
  }
}

function rebuildFromRows(
  connection: Connection,
  run: number,
  first: number,
  last: number,
  store: (metric: number, level: number, bucket: number, b: Bucket) => void,
): void {
  const rows = connection
    .prepare(`SELECT step, ${allMetrics} FROM metrics WHERE run = ? AND step BETWEEN ? AND ? ORDER BY step`)
    .raw()
    .all(run, first * fanout, last * fanout + fanout - 1) as [number, ...StoredNumber[]][];
  const count = metricNames.length;
  let open: Bucket[] = [];
  let bucket = -1;
  const close = () => {
    for (let metric = 0; metric < open.length; metric++) store(metric, 1, bucket, open[metric]!);
  };
  for (const row of rows) {
    const step = row[0];
    const parent = Math.floor(step / fanout);
    if (parent !== bucket) {
      close();
      bucket = parent;
      open = Array.from({ length: count }, () => emptyBucket(0, 0));
    }
    for (let metric = 0; metric < count; metric++) {
      const value = fromStored(row[metric + 1] as StoredNumber);
      if (value !== null) addValue(open[metric]!, step, value);
    }
  }
  close();
}

/** Deletes every bucket that covers any of the steps from..to. Those that also cover other steps must be rebuilt. */
export function drop(connection: Connection, run: number, from: number, to: number): void {
  const statement = connection.prepare(
    'DELETE FROM rollups WHERE run = ? AND metric = ? AND level = ? AND bucket BETWEEN ? AND ?',
  );
  for (let metric = 0; metric < metricNames.length; metric++) {
    for (let level = 1; level <= levels; level++) {
      statement.run(run, metric, level, Math.floor(from / widthOf(level)), Math.floor(to / widthOf(level)));
    }
  }
}
