import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { Connection } from './connection.ts';
import { DamagedError } from './errors.ts';
import { openConnection } from './open.ts';
import { catchUp } from './recover/catchUp.ts';
import { describeRecovery, recoverDatabase, removeDatabase } from './recover/recover.ts';

/** A copy of a database, to read. */
export interface Snapshot {
  readonly connection: Connection;
  /** Refuses to write from here on. */
  freeze(): void;
  /** Removes the copy; its connection is closed. */
  remove(): void;
}

/** Tries to copy a database while another process writes it. */
const tries = 10;

/**
 * Opens a copy of a database that can't be written: SQLite itself needs to write beside one whose last process did not close it, and so
 * do updates of an older one. What the folders of runs tell besides is in it, too.
 * @throws UserError when it can't be read
 */
export function openSnapshot(file: string, report: (line: string) => void): Snapshot {
  const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-'));
  const remove = (): void => fs.rmSync(dir, { recursive: true, force: true });
  process.once('exit', remove);
  const copy = path.join(dir, path.basename(file));
  try {
    copyWhole(file, copy);
    const db = openCopy(file, copy, report);
    const connection = new Connection(db, file);
    const behind = catchUp(connection);
    if (behind !== null) report(behind);
    return {
      connection,
      freeze: () => void db.pragma('query_only = ON'),
      remove: () => {
        process.off('exit', remove);
        remove();
      },
    };
  } catch (error) {
    remove();
    if (!isSystemError(error)) throw error;
    throw new UserError(`The database ${file} can't be read: ${meaningOf(error)}.`);
  }
}

function openCopy(file: string, copy: string, report: (line: string) => void): Database.Database {
  try {
    openConnection(copy).close();
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    removeDatabase(copy);
    report(describeRecovery(recoverDatabase(file, copy)));
    openConnection(copy).close();
  }
  return new Database(copy);
}

/** Copies a database with its log, of one moment. */
function copyWhole(file: string, copy: string): void {
  if (!fs.existsSync(file)) return;
  for (let n = 1; ; n++) {
    const before = stateOf(file);
    for (const suffix of ['', '-wal']) {
      fs.rmSync(copy + suffix, { force: true });
      if (fs.existsSync(file + suffix)) fs.copyFileSync(file + suffix, copy + suffix, fs.constants.COPYFILE_FICLONE);
    }
    if (stateOf(file) === before) break;
    if (n === tries) throw new UserError(`The database ${file} is being written all the time: try again.`);
  }
  for (const suffix of ['', '-wal']) if (fs.existsSync(copy + suffix)) fs.chmodSync(copy + suffix, 0o600);
}

const stateOf = (file: string): string =>
  ['', '-wal']
    .map((suffix) => fs.statSync(file + suffix, { throwIfNoEntry: false }))
    .map((stat) => (stat ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : ''))
    .join();
