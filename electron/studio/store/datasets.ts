import { UserError } from '../../base/errors.ts';
import { type Connection, sql } from './connection.ts';
import { nearest } from './ids.ts';
import { placeOf, storedPath } from './places.ts';

export interface DatasetRecord {
  readonly name: string;
  readonly path: string;
  readonly tokenizer: string;
  readonly trainTokens: number;
  readonly valTokens: number;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** Whatever else is known of it: sources, settings of its preparation. */
  readonly data: unknown;
}

export type NewDataset = Omit<DatasetRecord, 'createdAt' | 'data'> & Partial<Pick<DatasetRecord, 'createdAt' | 'data'>>;

/** The datasets of the home. */
export class DatasetTable {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Stores a dataset; one of the same name is replaced. */
  upsert(dataset: NewDataset): void {
    const { name, tokenizer, trainTokens, valTokens, bytes, createdAt = Date.now(), data = {} } = dataset;
    const path = storedPath(this.#connection.home, dataset.path);
    const changing = { path, tokenizer, trainTokens, valTokens, bytes, createdAt, data: JSON.stringify(data) };
    this.#connection.run(
      sql
        .insertInto('datasets')
        .values({ name, ...changing })
        .onConflict((c) => c.column('name').doUpdateSet(changing)),
    );
  }

  /** By their names. */
  list(): DatasetRecord[] {
    const { home } = this.#connection;
    const rows = this.#connection.all(sql.selectFrom('datasets').selectAll().orderBy('name'));
    return rows.map((row) => ({ ...row, path: placeOf(home, row.path), data: JSON.parse(row.data) }));
  }

  /** @throws UserError, naming similar ones, where there is none of that name */
  get(name: string): DatasetRecord {
    const all = this.list();
    const found = all.find((d) => d.name === name);
    if (found) return found;
    const near = nearest(
      name,
      all.map((d) => d.name),
      3,
    );
    const hint = near.length > 0 ? `did you mean ${near.join(', ')}?` : 'add it first.';
    throw new UserError(`There is no dataset ${JSON.stringify(name)}: ${hint}`);
  }

  /** Forgets a dataset; its files are not touched. */
  remove(name: string): void {
    this.#connection.run(sql.deleteFrom('datasets').where('name', '=', name));
  }
}
