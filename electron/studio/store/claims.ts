import { UserError } from '../../base/errors.ts';
import { engineOf } from '../../engine/process/orphan.ts';
import { runDir } from '../home.ts';
import { type Connection, sql } from './connection.ts';
import type { Holder } from '../../base/lock.ts';
import { describeOwner, isAlive, isSameProcess, type Owner, thisProcess } from '../../base/owner.ts';
import type { RunRow } from './runs.ts';
import { setRunState } from './runs.ts';
import type { RunState } from './schema.ts';

const ownerOf = ({ pid, host, bootId, processStart, pidNamespace }: RunRow): Owner | null =>
  pid === null || host === null ? null : { pid, host, bootId, processStart, pidNamespace };

const ownerLives = (row: RunRow): boolean => {
  const owner = ownerOf(row);
  return owner !== null && isAlive(owner, row.heartbeat ?? 0);
};

/** The engine that still saves a run whose owner is gone, where there is one. */
const orphan = ({ home }: Connection, row: RunRow): Holder | null =>
  row.pid === null || ownerLives(row) ? null : engineOf(runDir(home, row.id));

const lives = (connection: Connection, row: RunRow): boolean => ownerLives(row) || orphan(connection, row) !== null;

const isMine = (row: RunRow): boolean => {
  const owner = ownerOf(row);
  return owner !== null && isSameProcess(owner, thisProcess());
};

const select = (connection: Connection, serial: number): RunRow | undefined =>
  connection.first(sql.selectFrom('runs').selectAll().where('serial', '=', serial));

/** Whether this process owns a run. */
export function isOwn(connection: Connection, serial: number): boolean {
  const row = select(connection, serial);
  return row !== undefined && isMine(row);
}

/** @throws UserError while another process that lives owns the run */
export function requireUnowned(connection: Connection, serial: number): void {
  const row = select(connection, serial);
  if (!row || isMine(row) || !lives(connection, row)) return;
  if (!ownerLives(row))
    throw new UserError(
      `The run ${row.id} is still being saved by its engine, whose studio has ended: try again when that has ended.`,
    );
  const who = describeOwner(ownerOf(row)!, row.heartbeat ?? 0);
  throw new UserError(
    `The run ${row.id} belongs to ${who}: pause it there first, or from here with \`trainyard pause ${row.id}\`.`,
  );
}

/** Whether a run whose owner is gone is still being saved by its engine. */
export function isOrphaned(connection: Connection, serial: number): boolean {
  const row = select(connection, serial);
  return row !== undefined && orphan(connection, row) !== null;
}

/**
 * Makes this process the run's owner.
 * @throws UserError while another process that lives is
 */
export function claim(connection: Connection, serial: number): void {
  connection.write(() => {
    requireUnowned(connection, serial);
    connection.run(
      sql
        .updateTable('runs')
        .set({ ...thisProcess(), heartbeat: Date.now() })
        .where('serial', '=', serial),
    );
  });
}

const nobody = { pid: null, host: null, bootId: null, processStart: null, pidNamespace: null, heartbeat: null };

/** Ends the ownership of this process; another's stays. */
export function release(connection: Connection, serial: number): void {
  connection.write(() => {
    if (isOwn(connection, serial)) connection.run(sql.updateTable('runs').set(nobody).where('serial', '=', serial));
  });
}

/** Says that this process lives, for the runs that it owns. @returns those of the runs that it does not own any more */
export function beat(connection: Connection, serials: readonly number[]): number[] {
  if (serials.length === 0) return [];
  return connection.write(() => {
    const rows = connection.all(sql.selectFrom('runs').selectAll().where('serial', 'in', serials));
    const own = rows.filter(isMine).map((row) => row.serial);
    if (own.length > 0)
      connection.run(sql.updateTable('runs').set({ heartbeat: Date.now() }).where('serial', 'in', own));
    return serials.filter((serial) => !own.includes(serial));
  });
}

const activeStates: readonly RunState[] = ['preparing', 'training', 'paused'];

/**
 * Marks runs that look active but whose process is gone: killed, crashed, or lost with the power.
 * A paused run that no process holds is at rest and stays paused.
 * @returns the serials of the runs marked
 */
export function markInterrupted(connection: Connection): number[] {
  const suspects = sql.selectFrom('runs').selectAll().where('state', 'in', activeStates);
  const isLost = (row: RunRow) => !lives(connection, row) && (row.state !== 'paused' || row.pid !== null);
  if (!connection.all(suspects).some(isLost)) return [];
  return connection.write(() => {
    // Again, under the lock: another process may have claimed or marked it in between.
    const lost = connection.all(suspects).filter(isLost);
    for (const row of lost) {
      const who = row.pid === null ? 'no process is training it' : `process ${row.pid} is not running any more`;
      const message = `${who}; resume continues from the latest checkpoint`;
      setRunState(connection, row.serial, 'interrupted', message);
      // It ended when it was last seen, not now.
      const endedAt = Math.max(row.heartbeat ?? 0, row.updatedAt);
      connection.run(
        sql
          .updateTable('runs')
          .set({ ...nobody, endedAt })
          .where('serial', '=', row.serial),
      );
      connection.run(
        sql.insertInto('events').values({
          run: row.serial,
          time: Date.now(),
          step: row.step,
          level: 'warning',
          kind: 'interrupted',
          message,
        }),
      );
    }
    return lost.map((row) => row.serial);
  });
}
