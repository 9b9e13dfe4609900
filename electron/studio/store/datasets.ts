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

/** Stores a dataset; one of the same name is replaced. */
export function upsertDataset(connection: Connection, dataset: NewDataset): void {
  const { name, tokenizer, trainTokens, valTokens, bytes, createdAt = Date.now(), data = {} } = dataset;
  const path = storedPath(connection.home, dataset.path);
  const changing = { path, tokenizer, trainTokens, valTokens, bytes, createdAt, data: JSON.stringify(data) };
  connection.run(
    sql
      .insertInto('datasets')
      .values({ name, ...changing })
      .onConflict((c) => c.column('name').doUpdateSet(changing)),
  );
}

export function listDatasets(connection: Connection): DatasetRecord[] {
  const rows = connection.all(sql.selectFrom('datasets').selectAll().orderBy('name'));
  return rows.map((row) => ({ ...row, path: placeOf(connection.home, row.path), data: JSON.parse(row.data) }));
}

/** @throws UserError, naming similar ones, where there is none of that name */
export function getDataset(connection: Connection, name: string): DatasetRecord {
  const all = listDatasets(connection);
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
export function removeDataset(connection: Connection, name: string): void {
  connection.run(sql.deleteFrom('datasets').where('name', '=', name));
}
