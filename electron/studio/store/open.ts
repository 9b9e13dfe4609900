import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../../exchange/safetensors/systemErrors.ts';
import { Connection } from './connection.ts';
import { explain, isCorruption } from './errors.ts';
import { checkVersion, migrate } from './migrations.ts';

export interface OpenOptions {
  /** Nothing is written, not even migrations: for looking on while another process trains. */
  readonly readonly?: boolean;
  /** How long a statement waits for another process's lock, in milliseconds. Default 10 s. */
  readonly busyTimeoutMs?: number;
}

/**
 * Opens the database at `file`, created and migrated as needed.
 * A damaged one is renamed, with what belongs to it, and reported; the next call begins with an empty one.
 * @throws UserError when it is damaged, newer than this program, another program's, or can't be opened
 */
export function openConnection(
  file: string,
  { readonly = false, busyTimeoutMs = 10_000 }: OpenOptions = {},
): Connection {
  if (readonly && !fs.existsSync(file)) throw new UserError(`There is no database ${file}: train a run first.`);
  if (!readonly) makeFolder(path.dirname(file));
  const inode = inodeOf(file);
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { readonly, fileMustExist: readonly, timeout: busyTimeoutMs });
    prepare(db, file, readonly);
    return new Connection(db, file);
  } catch (error) {
    db?.close();
    if (!isCorruption(error)) throw explain(error, file);
    if (readonly) throw new UserError(`The database ${file} is damaged: open it for writing and it is set aside.`);
    throw new UserError(setAside(file, inode));
  }
}

function makeFolder(dir: string): void {
  try {
    fs.mkdirSync(dir, { recursive: true });
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

const inodeOf = (file: string): bigint | undefined => fs.statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;

/** Renames a damaged database and its log. @returns what to tell the user */
function setAside(file: string, inode: bigint | undefined): string {
  if (inodeOf(file) !== inode) return `The database ${file} was damaged; another process has replaced it: try again.`;
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  let backup = `${file}.damaged-${stamp}`;
  for (let n = 2; fs.existsSync(backup); n++) backup = `${file}.damaged-${stamp}-${n}`;
  try {
    fs.renameSync(file, backup);
    for (const suffix of ['-wal', '-shm']) {
      if (fs.existsSync(file + suffix)) fs.renameSync(file + suffix, backup + suffix);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    return `The database ${file} is damaged and can't be set aside: ${meaningOf(error)}; move it away, then try again.`;
  }
  return `The database ${file} is damaged and was set aside as ${backup}: try again to begin with an empty one (checkpoints and datasets are untouched).`;
}
