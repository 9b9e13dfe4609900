import fs from 'node:fs';
import SQLite, { type Database } from 'better-sqlite3';
import { messageOf, UserError } from '../../errors.ts';
import { migrate } from './migrations.ts';

const busyMs = 10_000;

/**
 * Opens the database file, makes it when there is none, and brings it up to date. A file that is no database is set aside
 * under another name, never deleted. @throws UserError that says what is wrong with the file
 */
export function openDatabase(file: string): Database {
  try {
    return prepare(file);
  } catch (error) {
    if (!isDamage(error)) throw asUserError(error, file);
    const aside = setAside(file);
    console.error(
      `trainyard: the store ${file} was damaged (${messageOf(error)}); it is kept as ${aside}, and a new one begins.`,
    );
    return prepare(file);
  }
}

function prepare(file: string): Database {
  const db = new SQLite(file, { timeout: busyMs });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    migrate(db, file);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

const codeOf = (error: unknown): string => (error instanceof SQLite.SqliteError ? error.code : '');
const isDamage = (error: unknown): boolean =>
  ['SQLITE_NOTADB', 'SQLITE_CORRUPT'].some((c) => codeOf(error).startsWith(c));

function setAside(file: string): string {
  const aside = `${file}.damaged-${new Date().toISOString().replace(/[:.]/g, '-')}`;
  for (const suffix of ['-wal', '-shm']) {
    if (fs.existsSync(file + suffix)) fs.renameSync(file + suffix, aside + suffix);
  }
  fs.renameSync(file, aside);
  return aside;
}

const advice: Record<string, string> = {
  SQLITE_FULL: 'the disk is full: make room and try again',
  SQLITE_READONLY: 'it can not be written: check its permissions',
  SQLITE_CANTOPEN: 'it can not be opened: check the folder and its permissions',
  SQLITE_BUSY: 'another program holds it: close that and try again',
  SQLITE_IOERR: 'the disk reports an error: check it',
};

/** A database error as one line that names the file; other errors as they are. */
export function asUserError(error: unknown, file: string): unknown {
  const code = codeOf(error);
  if (!code) return error;
  const known = Object.keys(advice).find((c) => code.startsWith(c));
  return new UserError(`The store ${file} failed: ${known ? advice[known] : messageOf(error)}.`);
}
