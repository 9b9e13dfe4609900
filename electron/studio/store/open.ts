import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { makeFolders } from '../../base/folders.ts';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { Connection } from './connection.ts';
import { explain } from './errors.ts';
import { checkVersion, migrate } from './migrations.ts';

export interface OpenOptions {
  /** Nothing is written, not even migrations: for looking on while another process trains. */
  readonly readonly?: boolean;
  /** How long a statement waits for another process's lock, in milliseconds. Default 10 s. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens the database at `file`, created and migrated as needed.
 * @throws DamagedError when it is damaged
 * @throws UserError when it is newer than this program, another program's, or can't be opened
 */
export function openConnection(
  file: string,
  { readonly = false, busyTimeoutMs = 10_000 }: OpenOptions = {},
): Connection {
  if (readonly && !fs.existsSync(file)) throw new UserError(`There is no database ${file}: train a run first.`);
  if (!readonly) makeFolder(path.dirname(file));
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly, fileMustExist: readonly, timeout: busyTimeoutMs });
    prepare(db, file, readonly);
    return new Connection(db, file);
  } catch (error) {
    db?.close();
    throw explain(error, file);
  }
}

function makeFolder(dir: string): void {
  try {
    makeFolders(dir);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The folder ${dir} can't be created: ${meaningOf(error)}.`);
  }
}

function prepare(db: Database.Database, file: string, readonly: boolean): void {
  const behind = checkVersion(db, file);
  if (readonly && behind) {
    throw new UserError(`The database ${file} is older than this program: open it for writing once to update it.`);
  }
  if (!readonly) {
    db.pragma('journal_mode = WAL');
    // NORMAL would keep the file whole through a power cut as well, but might lose the last transactions: a checkpoint
    // is on disk for good, and what led to it has to be too.
    db.pragma('synchronous = FULL');
    db.pragma(`journal_size_limit = ${64 * 2 ** 20}`);
    db.pragma('foreign_keys = ON');
    if (behind) migrate(db, file);
  }
  db.pragma(`cache_size = ${-32 * 1024}`);
  probe(db);
}

/** Touches every table, so that a file whose beginning is damaged is found now and not in the middle of a run. */
function probe(db: Database.Database): void {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  for (const table of tables) db.prepare(`SELECT * FROM "${table}" LIMIT 1`).get();
}
