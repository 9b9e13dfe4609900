import { type Connection, sql } from './connection.ts';
import type { PhaseRequestState } from './schema.ts';

/** A change of phases that another process asks of the one that trains the run. */
export interface PhaseRequestRecord {
  readonly id: number;
  readonly change: unknown;
}

/** How far a request is; `refusal`: why the phases were not changed, null when they were. */
export interface PhaseRequestStatus {
  readonly state: PhaseRequestState;
  readonly refusal: string | null;
}

/** A request that nobody has waited for this long is void: its process is gone. */
const voidAfterMs = 5000;
/** Rows that killed processes left are removed after a day, when no sleeping machine can still wait for them. */
const forgottenAfterMs = 24 * 3600_000;

/** @returns the request's id, which no other request has had */
export function addPhaseRequest(connection: Connection, run: number, change: unknown): number {
  const now = Date.now();
  const values = { run, change: JSON.stringify(change), time: now, state: 'open', refusal: null } as const;
  return connection.write(() => {
    connection.run(sql.deleteFrom('phaseRequests').where('time', '<', now - forgottenAfterMs));
    connection.run(sql.insertInto('phaseRequests').values(values));
    const [row] = connection.all(sql.selectFrom('phaseRequests').select((e) => e.fn.max('id').as('id')));
    return row!.id;
  });
}

/** The requests about a run that nobody has taken, the oldest first. They are taken with that: each is handed out once. */
export function takePhaseRequests(connection: Connection, run: number): PhaseRequestRecord[] {
  const query = sql
    .selectFrom('phaseRequests')
    .select(['id', 'change'])
    .where('run', '=', run)
    .where('state', '=', 'open')
    .where('time', '>', Date.now() - voidAfterMs)
    .orderBy('id');
  // Looked for twice a second: written only where there is one.
  if (connection.all(query).length === 0) return [];
  return connection.write(() => {
    const rows = connection.all(query);
    const ids = rows.map((r) => r.id);
    connection.run(sql.updateTable('phaseRequests').set({ state: 'taken' }).where('id', 'in', ids));
    return rows.map(({ id, change }) => ({ id, change: JSON.parse(change) as unknown }));
  });
}

/** @param refusal why the phases were not changed; null when they were */
export function answerPhaseRequest(connection: Connection, id: number, refusal: string | null): void {
  connection.run(sql.updateTable('phaseRequests').set({ state: 'answered', refusal }).where('id', '=', id));
}

/** How far a request is; one that is still open is waited for with that. Undefined when it is withdrawn. */
export function phaseRequestStatus(connection: Connection, id: number): PhaseRequestStatus | undefined {
  const query = sql.selectFrom('phaseRequests').select(['state', 'refusal']).where('id', '=', id);
  const status = connection.first(query);
  if (status?.state === 'open') {
    connection.run(sql.updateTable('phaseRequests').set({ time: Date.now() }).where('id', '=', id));
  }
  return status;
}

/** Forgets a request. @returns how far it was: an open one is not made any more, a taken one may still be */
export function withdrawPhaseRequest(connection: Connection, id: number): PhaseRequestState | undefined {
  return connection.write(() => {
    const status = phaseRequestStatus(connection, id);
    connection.run(sql.deleteFrom('phaseRequests').where('id', '=', id));
    return status?.state;
  });
}
