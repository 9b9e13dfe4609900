import { type Connection, sql } from './connection.ts';

/** A change of later phases that another process asks of the one that trains the run. */
export interface PhaseRequestRecord {
  readonly id: number;
  readonly change: unknown;
}

/** @returns the request's id */
export function addPhaseRequest(connection: Connection, run: number, change: unknown): number {
  const values = { run, change: JSON.stringify(change), time: Date.now(), answered: 0, refusal: null };
  return connection.write(() => {
    connection.run(sql.insertInto('phaseRequests').values(values));
    const [row] = connection.all(sql.selectFrom('phaseRequests').select((e) => e.fn.max('id').as('id')));
    return row!.id;
  });
}

/** A request that nobody has waited for this long is void: its process is gone. */
const voidAfterMs = 5000;

/** Those of a run that wait for an answer, the oldest first. */
export function openPhaseRequests(connection: Connection, run: number): PhaseRequestRecord[] {
  const query = sql
    .selectFrom('phaseRequests')
    .select(['id', 'change'])
    .where('run', '=', run)
    .where('answered', '=', 0)
    .where('time', '>', Date.now() - voidAfterMs)
    .orderBy('id');
  return connection.all(query).map(({ id, change }) => ({ id, change: JSON.parse(change) as unknown }));
}

/** @param refusal why the phases were not changed; null when they were */
export function answerPhaseRequest(connection: Connection, id: number, refusal: string | null): void {
  connection.run(sql.updateTable('phaseRequests').set({ answered: 1, refusal }).where('id', '=', id));
}

/** The answer to a request, which is forgotten then; undefined while there is none, and it is waited for. */
export function takePhaseAnswer(connection: Connection, id: number): { readonly refusal: string | null } | undefined {
  const query = sql.selectFrom('phaseRequests').select(['answered', 'refusal']).where('id', '=', id);
  const [row] = connection.all(query);
  if (row?.answered !== 1) {
    connection.run(sql.updateTable('phaseRequests').set({ time: Date.now() }).where('id', '=', id));
    return undefined;
  }
  withdrawPhaseRequest(connection, id);
  return { refusal: row.refusal };
}

export function withdrawPhaseRequest(connection: Connection, id: number): void {
  connection.run(sql.deleteFrom('phaseRequests').where('id', '=', id));
}
