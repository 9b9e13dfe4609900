import type { Database, Statement } from 'better-sqlite3';
import { type MetricColumn, metricColumns, rollupSteps } from './schema.ts';

/** One step's metrics. NaN and infinities are kept. */
export type MetricRow = { readonly step: number } & Readonly<Record<MetricColumn, number>>;

export interface SeriesPoint {
  readonly step: number;
  readonly value: number;
}

/** SQLite has no NaN: it is stored as this text-free stand-in, the largest finite number, which no metric ever is. */
const nanStandIn = -Number.MAX_VALUE;
const stored = (x: number): number => (Number.isNaN(x) ? nanStandIn : x);
const restored = (x: number): number => (x === nanStandIn ? Number.NaN : x);

const batchRows = 500;
const batchMs = 1000;

/** Inserts metrics in batches, with their roll-ups, so that storing costs training next to nothing. */
export class MetricsWriter {
  readonly #flush: (rows: readonly MetricRow[]) => void;
  #rows: MetricRow[] = [];
  #since = 0;

  constructor(db: Database, runId: string) {
    const marks = metricColumns.map(() => '?').join(', ');
    const insert = db.prepare(
      `INSERT OR REPLACE INTO metrics (runId, step, ${metricColumns.join(', ')}) VALUES (?, ?, ${marks})`,
    );
    const rollup = rollupStatement(db);
    const touch = db.prepare(
      'UPDATE runs SET step = ?, tokensSeen = ?, lastLoss = ?, updatedAt = ?, heartbeat = ? WHERE id = ?',
    );
    this.#flush = db.transaction((rows: readonly MetricRow[]) => {
      for (const row of rows) insert.run(runId, row.step, ...metricColumns.map((c) => stored(row[c])));
      for (const [level, size] of rollupSteps.entries()) {
        for (const bucket of new Set(rows.map((r) => Math.floor(r.step / size))))
          refreshBucket(rollup, runId, level, size, bucket);
      }
      const last = rows[rows.length - 1]!;
      const now = Date.now();
      touch.run(last.step, last.tokensSeen, Number.isFinite(last.loss) ? last.loss : null, now, now, runId);
    });
  }

  add(row: MetricRow): void {
    if (this.#rows.length === 0) this.#since = Date.now();
    this.#rows.push(row);
    if (this.#rows.length >= batchRows || Date.now() - this.#since >= batchMs) this.flush();
  }

  flush(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    this.#rows = [];
    this.#flush(rows);
  }

  close(): void {
    this.flush();
  }
}

/** Computes a bucket anew from its rows: whatever was inserted, replaced or removed, it is right afterwards. */
function rollupStatement(db: Database): Statement {
  const finite = (c: string) => `CASE WHEN ${c} > ${nanStandIn} AND ${c} - ${c} = 0 THEN ${c} END`;
  const columns = metricColumns.flatMap((c) => [`${c}Min`, `${c}Max`, `${c}Sum`, `${c}Count`]).join(', ');
  const values = metricColumns
    .flatMap((c) => [`min(${finite(c)})`, `max(${finite(c)})`, `sum(${finite(c)})`, `count(${finite(c)})`])
    .join(', ');
  return db.prepare(
    `INSERT OR REPLACE INTO rollups (runId, level, bucket, ${columns})
     SELECT @runId, @level, @bucket, ${values} FROM metrics WHERE runId = @runId AND step >= @first AND step < @end HAVING count(*) > 0`,
  );
}

function refreshBucket(statement: Statement, runId: string, level: number, size: number, bucket: number): void {
  statement.run({ runId, level, bucket, first: bucket * size, end: (bucket + 1) * size });
}

/** Removes the metrics after a step and mends the roll-ups of the buckets that the cut goes through. */
export function truncateMetrics(db: Database, runId: string, step: number): void {
  db.prepare('DELETE FROM metrics WHERE runId = ? AND step > ?').run(runId, step);
  const rollup = rollupStatement(db);
  for (const [level, size] of rollupSteps.entries()) {
    const bucket = Math.floor(step / size);
    db.prepare('DELETE FROM rollups WHERE runId = ? AND level = ? AND bucket >= ?').run(runId, level, bucket);
    refreshBucket(rollup, runId, level, size, bucket);
  }
}

export interface SeriesRange {
  /** Points wanted, about: a bucket gives two, its smallest and its largest. */
  readonly points: number;
  readonly fromStep?: number;
  readonly toStep?: number;
}

/**
 * One column over a range of steps with about `points` points, smallest and largest values kept. Buckets lie at fixed
 * places, so points on screen never jump while a run goes on.
 */
export function readSeries(db: Database, runId: string, column: MetricColumn, range: SeriesRange): SeriesPoint[] {
  if (!metricColumns.includes(column)) throw new Error(`there is no metric ${column}`);
  const bounds = db.prepare('SELECT min(step) AS low, max(step) AS high FROM metrics WHERE runId = ?').get(runId) as {
    low: number | null;
    high: number | null;
  };
  if (bounds.low === null || bounds.high === null) return [];
  const from = Math.max(range.fromStep ?? bounds.low, bounds.low);
  const to = Math.min(range.toStep ?? bounds.high, bounds.high);
  const steps = to - from + 1;
  if (steps <= 0) return [];
  if (steps <= 2 * range.points) {
    const rows = db
      .prepare(`SELECT step, ${column} AS value FROM metrics WHERE runId = ? AND step BETWEEN ? AND ? ORDER BY step`)
      .all(runId, from, to) as SeriesPoint[];
    return rows.map(({ step, value }) => ({ step, value: restored(value) }));
  }
  const wanted = 2 ** Math.ceil(Math.log2(steps / range.points));
  const level = rollupSteps.findLastIndex((s) => s <= wanted);
  return level < 0
    ? fromRows(db, runId, column, from, to, wanted)
    : fromRollups(db, runId, column, from, to, level, wanted);
}

interface Extremes {
  readonly bucket: number;
  readonly low: number | null;
  readonly high: number | null;
}

const pointsOf = (rows: readonly Extremes[], size: number): SeriesPoint[] =>
  rows.flatMap(({ bucket, low, high }) => {
    if (low === null || high === null) return [];
    const first = { step: bucket * size, value: low };
    return low === high ? [first] : [first, { step: bucket * size + size / 2, value: high }];
  });

function fromRows(
  db: Database,
  runId: string,
  column: MetricColumn,
  from: number,
  to: number,
  size: number,
): SeriesPoint[] {
  const finite = `CASE WHEN ${column} > ${nanStandIn} AND ${column} - ${column} = 0 THEN ${column} END`;
  const rows = db
    .prepare(
      `SELECT step / @size AS bucket, min(${finite}) AS low, max(${finite}) AS high FROM metrics
       WHERE runId = @runId AND step BETWEEN @from AND @to GROUP BY step / @size ORDER BY 1`,
    )
    .all({ runId, from, to, size }) as Extremes[];
  return pointsOf(rows, size);
}

function fromRollups(
  db: Database,
  runId: string,
  column: MetricColumn,
  from: number,
  to: number,
  level: number,
  size: number,
): SeriesPoint[] {
  const fine = rollupSteps[level]!;
  const rows = db
    .prepare(
      `SELECT bucket / @merge AS bucket, min(${column}Min) AS low, max(${column}Max) AS high FROM rollups
       WHERE runId = @runId AND level = @level AND bucket BETWEEN @from AND @to GROUP BY bucket / @merge ORDER BY 1`,
    )
    .all({ runId, level, from: Math.floor(from / fine), to: Math.floor(to / fine), merge: size / fine }) as Extremes[];
  return pointsOf(rows, size);
}
