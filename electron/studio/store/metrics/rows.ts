import type { Connection } from '../connection.ts';
import { type StoredNumber, toStored } from '../schema.ts';
import { type MetricsRow, metricNames } from './columns.ts';
import { drop, rebuild } from './rollups.ts';

const columns = metricNames.join(', ');

/**
 * Stores rows and brings the roll-ups and the run's progress up to date, in one transaction.
 * A step that is there already is replaced.
 */
export function insertMetrics(connection: Connection, run: number, rows: readonly MetricsRow[]): void {
  if (rows.length === 0) return;
  let [first, last] = [Number.POSITIVE_INFINITY, -1];
  for (const { step } of rows) {
    if (!Number.isSafeInteger(step) || step < 0)
      throw new RangeError(`a step is a whole number from 0 on, not ${step}`);
    if (step < first) first = step;
    if (step > last) last = step;
  }
  connection.write(() => {
    const newest = lastStep(connection, run);
    const insert = connection.prepare(
      `INSERT OR REPLACE INTO metrics (run, step, ${columns}) VALUES (?, ?, ${metricNames.map(() => '?').join(', ')})`,
    );
    for (const row of rows) {
      const values = metricNames.map((name) => {
        const value = row[name];
        return toStored(typeof value === 'boolean' ? Number(value) : value);
      });
      insert.run(run, row.step, ...values);
    }
    // A bucket whose last value was replaced by none has to go.
    if (first <= newest) drop(connection, run, first, last);
    rebuild(connection, run, first, last);
    updateProgress(connection, run);
  });
}

/** Deletes the rows after `step` and repairs the roll-ups; call it inside a transaction. */
export function truncateMetrics(connection: Connection, run: number, step: number): void {
  connection.prepare('DELETE FROM metrics WHERE run = ? AND step > ?').run(run, step);
  drop(connection, run, Math.max(0, step + 1), Number.MAX_SAFE_INTEGER);
  if (step >= 0) rebuild(connection, run, step, step);
  updateProgress(connection, run);
}

/**
 * Deletes some rows and roll-ups of a run that is to be deleted: all at once would hold the database, and this process, for
 * seconds.
 * @returns whether more are left
 */
export function dropSome(connection: Connection, run: number, max: number): boolean {
  const some = (table: string, key: string): boolean =>
    connection
      .prepare(
        `DELETE FROM ${table} WHERE run = @run AND (${key}) IN (SELECT ${key} FROM ${table} WHERE run = @run LIMIT @max)`,
      )
      .run({ run, max }).changes >= max;
  // What a power cut might bring back is deleted with the run: nobody waits for the disk in between.
  connection.durably(false);
  try {
    return connection.write(() => some('metrics', 'step') || some('rollups', 'metric, level, bucket'));
  } finally {
    connection.durably(true);
  }
}

/** -1 where there is none. */
function lastStep(connection: Connection, run: number): number {
  const [step] = connection.prepare('SELECT max(step) FROM metrics WHERE run = ?').raw().get(run) as [number | null];
  return step ?? -1;
}

/** Sets the run's step, tokens and loss to those of its last row. */
function updateProgress(connection: Connection, run: number): void {
  const last = connection
    .prepare('SELECT step, tokensSeen, loss FROM metrics WHERE run = ? ORDER BY step DESC LIMIT 1')
    .get(run) as { step: number; tokensSeen: StoredNumber; loss: StoredNumber } | undefined;
  const tokens = Math.trunc(Number(last?.tokensSeen ?? 0)) || 0;
  connection
    .prepare('UPDATE runs SET step = ?, tokensSeen = ?, lastLoss = ?, updatedAt = ? WHERE serial = ?')
    .run(last?.step ?? 0, tokens, last?.loss ?? null, Date.now(), run);
}
