import { type Connection, sql } from './connection.ts';
import type { RunRequestState } from './schema.ts';

/** What another process asks of the one that trains the run. */
export interface RunRequestRecord {
  readonly id: number;
  readonly what: unknown;
}

/** How far a request is; `refusal`: why it was refused, null when it was done. */
export interface RunRequestStatus {
  readonly state: RunRequestState;
  readonly refusal: string | null;
}

/** A request that nobody has waited for this long is void: its process is gone. */
const voidAfterMs = 5000;
/** Rows that killed processes left are removed after a day, when no sleeping machine can still wait for them. */
const forgottenAfterMs = 24 * 3600_000;

/** @returns the request's id, which no other request has had */
export function addRunRequest(connection: Connection, run: number, what: unknown): number {
  const now = Date.now();
  const values = { run, what: JSON.stringify(what), time: now, state: 'open', refusal: null } as const;
  return connection.write(() => {
    connection.run(sql.deleteFrom('runRequests').where('time', '<', now - forgottenAfterMs));
    connection.run(sql.insertInto('runRequests').values(values));
    const [row] = connection.all(sql.selectFrom('runRequests').select((e) => e.fn.max('id').as('id')));
    return row!.id;
  });
}

/** The requests about a run that nobody has taken, the oldest first. They are taken with that: each is handed out once. */
export function takeRunRequests(connection: Connection, run: number): RunRequestRecord[] {
  const query = sql
    .selectFrom('runRequests')
    .select(['id', 'what'])
    .where('run', '=', run)
    .where('state', '=', 'open')
    .where('time', '>', Date.now() - voidAfterMs)
    .orderBy('id');
  // Looked for twice a second: written only where there is one.
  if (connection.all(query).length === 0) return [];
  return connection.write(() => {
    const rows = connection.all(query);
    const ids = rows.map((r) => r.id);
    connection.run(sql.updateTable('runRequests').set({ state: 'taken' }).where('id', 'in', ids));
    return rows.map(({ id, what }) => ({ id, what: JSON.parse(what) as unknown }));
  });
}

/** @param refusal why it was refused; null when it was done */
export function answerRunRequest(connection: Connection, id: number, refusal: string | null): void {
  connection.run(sql.updateTable('runRequests').set({ state: 'answered', refusal }).where('id', '=', id));
}

/** How far a request is; one that is still open is waited for with that. Undefined when it is withdrawn. */
export function runRequestStatus(connection: Connection, id: number): RunRequestStatus | undefined {
  const query = sql.selectFrom('runRequests').select(['state', 'refusal']).where('id', '=', id);
  const status = connection.first(query);
  if (status?.state === 'open') {
    connection.run(sql.updateTable('runRequests').set({ time: Date.now() }).where('id', '=', id));
  }
  return status;
}

/** Forgets a request. @returns how far it was: an open one is not made any more, a taken one may still be */
export function withdrawRunRequest(connection: Connection, id: number): RunRequestState | undefined {
  return connection.write(() => {
    const status = runRequestStatus(connection, id);
    connection.run(sql.deleteFrom('runRequests').where('id', '=', id));
    return status?.state;
  });
}
