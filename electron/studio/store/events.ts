import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import type { EventLevel } from './schema.ts';
import type { RunSerials } from './serials.ts';

/** Times are milliseconds since 1970. */
export interface RunEventRecord {
  readonly id: number;
  readonly time: number;
  readonly step: number | null;
  readonly level: EventLevel;
  readonly kind: string;
  readonly message: string;
  readonly data: unknown;
}

/** What has happened to runs. */
export class EventTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  add(id: string, step: number | null, level: EventLevel, kind: string, message: string, data?: unknown): void {
    const json = data === undefined ? null : JSON.stringify(data);
    const values = { run: this.#serials.of(id), step, level, kind, message, time: Date.now(), data: json };
    this.#connection.run(sql.insertInto('events').values(values));
  }

  /** In the order they happened. @param after id of an event: only later ones */
  list(id: string, after = 0): RunEventRecord[] {
    const columns = ['id', 'time', 'step', 'level', 'kind', 'message', 'data'] as const;
    const query = sql.selectFrom('events').select(columns).where('run', '=', this.#serials.of(id));
    return this.#connection.all(query.where('id', '>', after).orderBy('id')).map((row) => ({
      ...row,
      data: row.data === null ? null : parseStored(row.data, `The database ${this.#connection.file}`),
    }));
  }
}
