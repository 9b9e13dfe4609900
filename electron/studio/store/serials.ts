import { UserError } from '../../base/errors.ts';
import { type Connection, sql } from './connection.ts';

/** The numbers by which the tables name runs, which everybody else names by their whole id. */
export class RunSerials {
  /** Told of a run whose record changes. */
  readonly changed: (serial: number) => void;
  readonly #connection: Connection;
  readonly #known = new Map<string, number>();

  constructor(connection: Connection, changed: (serial: number) => void) {
    this.#connection = connection;
    this.changed = changed;
  }

  /** @throws UserError where there is no run of exactly this id */
  of(id: string): number {
    let serial = this.#known.get(id);
    if (serial === undefined) {
      serial = this.#connection.first(sql.selectFrom('runs').select('serial').where('id', '=', id))?.serial;
      if (serial === undefined) throw new UserError(`There is no run ${JSON.stringify(id)}.`);
      this.#known.set(id, serial);
    }
    return serial;
  }

  /** The serial of a run whose record is about to change. */
  changing(id: string): number {
    const serial = this.of(id);
    this.changed(serial);
    return serial;
  }

  /** The run is deleted. */
  forget(id: string): void {
    this.#known.delete(id);
  }
}

/** Rows by the ids of their runs. */
export function byRun<Row extends { readonly id: string }, T>(
  rows: readonly Row[],
  of: (row: Row) => T,
): Map<string, T[]> {
  const all = new Map<string, T[]>();
  for (const row of rows) {
    const list = all.get(row.id);
    if (list) list.push(of(row));
    else all.set(row.id, [of(row)]);
  }
  return all;
}
