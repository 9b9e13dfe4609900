import Database from 'better-sqlite3';
import { UserError } from '../../base/errors.ts';

const meanings: readonly (readonly [prefix: string, meaning: string])[] = [
  ['SQLITE_FULL', 'the disk is full: free some space, then try again'],
  ['SQLITE_READONLY', 'it or its folder is read-only: allow writing there, or choose another folder with --home'],
  ['SQLITE_CANTOPEN', 'it can not be opened: check that its folder exists and may be written'],
  ['SQLITE_PERM', 'no permission: allow reading and writing it'],
  ['SQLITE_BUSY', 'another process has kept it locked: wait for that one or end it, then try again'],
  ['SQLITE_LOCKED', 'another process has kept it locked: wait for that one or end it, then try again'],
  ['SQLITE_IOERR', 'disk input/output error: check the disk and its free space'],
  ['SQLITE_TOOBIG', 'a value is too long to be stored'],
];

/** Whether an error says that the file's content, not its surroundings, is broken. */
export const isCorruption = (error: unknown): boolean =>
  error instanceof Database.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);

/** The database can't be read any more, or not all of it. */
export class DamagedError extends UserError {
  override readonly name = 'DamagedError';

  /** @param what the database, or a record of it */
  constructor(what: string, code: string) {
    super(
      `${what} is damaged (${code}): close Trainyard, then \`trainyard runs --recover\` saves what can be read of it; runs and checkpoints are kept.`,
    );
  }
}

/** Turns what SQLite reports about the file into one line for the user; defects (bad SQL, constraints) stay as they are. */
export function explain(error: unknown, file: string): unknown {
  if (!(error instanceof Database.SqliteError)) return error;
  if (isCorruption(error)) return new DamagedError(`The database ${file}`, error.code);
  const meaning = meanings.find(([prefix]) => error.code.startsWith(prefix))?.[1];
  return meaning === undefined ? error : new UserError(`The database ${file}: ${meaning} (${error.code}).`);
}

/** JSON as the database holds it. @throws DamagedError where it is none: what a page holds has no checksum */
export function parseStored(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new DamagedError(what, 'it is not JSON');
  }
}
