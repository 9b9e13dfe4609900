import { type Connection, sql } from './connection.ts';
import type { RunRequestState } from './schema.ts';
import type { RunSerials } from './serials.ts';

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

/** What is asked of the processes that train runs. */
export class RunRequestTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /** Asks something of the process that trains a run. @returns the request's id, which no other request has had */
  add(id: string, what: unknown): number {
    const run = this.#serials.of(id);
    const now = Date.now();
    const values = { run, what: JSON.stringify(what), time: now, state: 'open', refusal: null } as const;
    return this.#connection.write(() => {
      this.#connection.run(sql.deleteFrom('runRequests').where('time', '<', now - forgottenAfterMs));
      this.#connection.run(sql.insertInto('runRequests').values(values));
      const [row] = this.#connection.all(sql.selectFrom('runRequests').select((e) => e.fn.max('id').as('id')));
      return row!.id;
    });
  }

  /** The requests about a run that nobody has taken, the oldest first. They are taken with that: each is handed out once. */
  take(id: string): RunRequestRecord[] {
    const query = sql
      .selectFrom('runRequests')
      .select(['id', 'what'])
      .where('run', '=', this.#serials.of(id))
      .where('state', '=', 'open')
      .where('time', '>', Date.now() - voidAfterMs)
      .orderBy('id');
    // Looked for twice a second: written only where there is one.
    if (this.#connection.all(query).length === 0) return [];
    return this.#connection.write(() => {
      const rows = this.#connection.all(query);
      const ids = rows.map((r) => r.id);
      this.#connection.run(sql.updateTable('runRequests').set({ state: 'taken' }).where('id', 'in', ids));
      return rows.map(({ id, what }) => ({ id, what: JSON.parse(what) as unknown }));
    });
  }

  /** @param refusal why it was refused; null when it was done */
  answer(request: number, refusal: string | null): void {
    this.#connection.run(sql.updateTable('runRequests').set({ state: 'answered', refusal }).where('id', '=', request));
  }

  /** How far a request is; one that is still open is waited for with that. Undefined when it is withdrawn. */
  status(request: number): RunRequestStatus | undefined {
    const query = sql.selectFrom('runRequests').select(['state', 'refusal']).where('id', '=', request);
    const status = this.#connection.first(query);
    if (status?.state === 'open') {
      this.#connection.run(sql.updateTable('runRequests').set({ time: Date.now() }).where('id', '=', request));
    }
    return status;
  }

  /** Forgets a request. @returns how far it was: an open one is not made any more, a taken one may still be */
  withdraw(request: number): RunRequestState | undefined {
    return this.#connection.write(() => {
      const status = this.status(request);
      this.#connection.run(sql.deleteFrom('runRequests').where('id', '=', request));
      return status?.state;
    });
  }
}
