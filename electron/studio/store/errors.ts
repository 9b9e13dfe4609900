import Database from 'better-sqlite3';
import { UserError } from '../../errors.ts';

const meanings: readonly (readonly [prefix: string, meaning: string])[] = [
  ['SQLITE_FULL', 'the disk is full: free some space, then go on'],
  ['SQLITE_READONLY', 'it or its folder is read-only: allow writing there, or choose another folder with --home'],
  ['SQLITE_CANTOPEN', 'it can not be opened: check that its folder exists and may be written'],
  ['SQLITE_PERM', 'no permission: allow reading and writing it'],
  ['SQLITE_BUSY', 'another process has kept it locked: wait for that one or end it, then try again'],
  ['SQLITE_LOCKED', 'another process has kept it locked: wait for that one or end it, then try again'],
  ['SQLITE_IOERR', 'the disk reports an input/output error: check the disk and its free space'],
  ['SQLITE_TOOBIG', 'a value is too long to be stored'],
  ['SQLITE_CORRUPT', 'it is damaged: close Trainyard, keep a copy of the file, and move it away to begin anew'],
  ['SQLITE_NOTADB', 'it is not a database'],
];

/** Whether an error says that the file's content, not its surroundings, is broken. */
export const isCorruption = (error: unknown): boolean =>
  error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);

/** Turns what SQLite reports about the file into one line for the user; defects (bad SQL, constraints) stay as they are. */
export function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  const meaning = meanings.find(([prefix]) => error.code.startsWith(prefix))?.[1];
  return meaning === undefined ? error : new UserError(`The database ${file}: ${meaning} (${error.code}).`);
}
