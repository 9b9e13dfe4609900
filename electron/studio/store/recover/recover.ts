import fs from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { tryLock } from '../../../base/lock.ts';
import { describeOwner } from '../../../base/owner.ts';
import { UserError } from '../../../base/errors.ts';
import { isSystemError, meaningOf } from '../../../base/systemErrors.ts';
import { formatCount, plural } from '../../../base/format.ts';
import { backupOf } from '../backup.ts';
import { Connection, sql } from '../connection.ts';
import { explain, isCorruption } from '../errors.ts';
import { applicationId, checkVersion, migrate } from '../migrations.ts';
import { adopt, byAge, type RunColumns, runFolders } from './adopt.ts';
import { isNewer, salvage } from './salvage.ts';

/** What came of a recovery. */
export interface Recovery {
  /** The database that is there now. */
  readonly file: string;
  /** Where the damaged one is kept. */
  readonly kept: string;
  readonly runs: number;
  /** Steps whose metrics are there, and those that the runs have trained. */
  readonly metrics: number;
  readonly steps: number;
  readonly fromBackup: boolean;
}

/** `2 runs recovered, with the metrics of 60 of 100 steps` */
export function describeCounts(runs: number, metrics: number, steps: number): string {
  if (runs === 0) return 'no run was found';
  const whole = metrics >= steps ? 'all metrics' : `the metrics of ${formatCount(metrics)} of ${plural(steps, 'step')}`;
  return `${runs} ${runs === 1 ? 'run' : 'runs'} recovered, with ${whole}`;
}

/** For people, one line. */
export function describeRecovery({ file, kept, runs, metrics, steps, fromBackup }: Recovery): string {
  const found = describeCounts(runs, metrics, steps) + (fromBackup ? ', also from its backup' : '');
  const where =
    kept === file ? 'Nothing can be written there: this is shown of it.' : `The damaged file is kept as ${kept}.`;
  return `The database ${file} was damaged: ${found}. ${where}`;
}

/**
 * Makes a new database of all that is left: of the backup, of what can be read of the damaged file, and of the runs' own folders, which
 * know most. The damaged file is kept beside it.
 * @param file where the database is, or was
 * @param target where the new one is made, where nothing may be written beside the damaged one
 * @throws UserError when it can't be done, or another process uses the database
 */
export function recoverDatabase(file: string, target?: string): Recovery {
  if (isNewer(file)) throw new UserError(`The database ${file} was written by a newer Trainyard: update Trainyard.`);
  const work = target ?? `${file}.recovering`;
  const release = target === undefined ? lock(`${file}.recovering.lock`) : () => {};
  const remains = ['', '.damaged', '.template'].map((suffix) => work + suffix);
  try {
    for (const each of remains) removeDatabase(each);
    copyDatabase(file, `${work}.damaged`);
    if (target === undefined && isInUse(file))
      throw new UserError(
        `The database ${file} is damaged, and another process has it open: end that one, then \`trainyard runs --recover\`.`,
      );
    const built = build(file, work);
    const kept = target === undefined ? quarantine(file) : file;
    if (target === undefined) fs.renameSync(work, file);
    return { ...built, kept };
  } catch (error) {
    removeDatabase(work);
    if (!isSystemError(error)) throw error;
    throw new UserError(`The database ${file} can't be recovered: ${meaningOf(error)}.`);
  } finally {
    for (const each of remains.slice(1)) removeDatabase(each);
    release();
  }
}

function build(file: string, work: string): Omit<Recovery, 'kept'> {
  const fromBackup = takeBackup(backupOf(file), work);
  const template = new Database(`${work}.template`);
  migrate(template, file);
  template.close();
  const db = new Database(work);
  // A power cut leaves the damaged file in its place, and the work is done again.
  db.pragma('journal_mode = MEMORY');
  db.pragma('synchronous = OFF');
  const connection = new Connection(db, file);
  try {
    migrate(db, file);
    const counts = connection.write(() => {
      const records = recordsOf(connection);
      const salvaged = salvage(`${work}.damaged`, `${work}.template`, connection);
      for (const [id, columns] of salvaged.runs) records.set(id, columns);
      const folders = new Set(runFolders(connection.home));
      for (const id of records.keys()) {
        // A run of the backup that has no folder was deleted since.
        if (!folders.has(id) && !salvaged.runs.has(id)) connection.run(sql.deleteFrom('runs').where('id', '=', id));
        else adopt(connection, id, records.get(id)!);
      }
      const unknown = [...folders].filter((id) => !records.has(id));
      for (const id of byAge(connection.home, unknown)) adopt(connection, id, null);
      return countRecovered(connection);
    });
    return { file, fromBackup, ...counts };
  } finally {
    connection.close();
    sync(work);
  }
}

const recordsOf = (connection: Connection): Map<string, RunColumns> =>
  new Map(connection.all(sql.selectFrom('runs').selectAll()).map((row) => [row.id, { ...row } as RunColumns]));

/** Counts what is there, and has each run say what of it is lost. */
export function countRecovered(connection: Connection): { runs: number; metrics: number; steps: number } {
  let [runs, metrics, steps] = [0, 0, 0];
  const rows = connection.prepare('SELECT count(*) FROM metrics WHERE run = ? AND loss IS NOT NULL').pluck();
  const event = connection.prepare(
    "INSERT INTO events (run, time, step, level, kind, message) VALUES (?, ?, ?, 'warning', 'recovered', ?)",
  );
  for (const { serial, step } of connection.all(sql.selectFrom('runs').select(['serial', 'step']).orderBy('serial'))) {
    const known = Math.min(step, rows.get(serial) as number);
    runs++;
    metrics += known;
    steps += step;
    if (known < step)
      event.run(
        serial,
        Date.now(),
        step,
        `the database was damaged: the metrics of ${known} of ${plural(step, 'step')} are left`,
      );
  }
  return { runs, metrics, steps };
}

export const isFile = (file: string): boolean => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Begins with the backup, if it is sound. */
function takeBackup(backup: string, work: string): boolean {
  if (!isFile(backup)) return false;
  fs.copyFileSync(backup, work, fs.constants.COPYFILE_FICLONE);
  let db: Database.Database | undefined;
  try {
    db = new Database(work);
    checkVersion(db, backup);
    const known = db.pragma('application_id', { simple: true }) === applicationId;
    const sound = db.pragma('quick_check(1)', { simple: true }) === 'ok';
    db.close();
    if (known && sound) return true;
  } catch (error) {
    db?.close();
    if (!(error instanceof Database.SqliteError) && !(error instanceof UserError)) throw error;
  }
  removeDatabase(work);
  return false;
}

/** Columns that hold JSON. */
const json = [
  ['runs', 'config'],
  ['runs', 'tags'],
  ['evals', 'data'],
  ['itemScores', 'data'],
  ['events', 'data'],
  ['checkpoints', 'machine'],
] as const;

/** Whether a database that can be opened is damaged somewhere. */
export function isDamaged(file: string): boolean {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { fileMustExist: true });
    if (db.pragma('integrity_check(1)', { simple: true }) !== 'ok') return true;
    // What a page holds has no checksum.
    return json.some(([table, column]) => {
      const wrong = `SELECT 1 FROM ${table} WHERE ${column} IS NOT NULL AND NOT json_valid(${column}) LIMIT 1`;
      return db!.prepare(wrong).get() !== undefined;
    });
  } catch (error) {
    if (isCorruption(error)) return true;
    // An older version has no such column; it is updated when it is opened.
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_ERROR') return false;
    throw explain(error, file);
  } finally {
    db?.close();
  }
}

/** Whether another connection has it open, as far as that can be told. */
function isInUse(file: string): boolean {
  let db: Database.Database | undefined;
  try {
    db = new Database(file, { timeout: 0 });
    db.pragma('locking_mode = EXCLUSIVE');
    db.exec('BEGIN EXCLUSIVE; ROLLBACK');
    return false;
  } catch (error) {
    return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
  } finally {
    db?.close();
  }
}

/** With its write-ahead log: the two belong together. */
export function copyDatabase(from: string, to: string): void {
  for (const suffix of ['', '-wal']) {
    if (fs.existsSync(from + suffix)) fs.copyFileSync(from + suffix, to + suffix, fs.constants.COPYFILE_FICLONE);
  }
}

export function removeDatabase(file: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) fs.rmSync(file + suffix, { force: true });
}

/** Renames a damaged database, with what belongs to it. @returns its new name */
function quarantine(file: string): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  let damaged = `${file}.damaged-${stamp}`;
  for (let n = 2; fs.existsSync(damaged); n++) damaged = `${file}.damaged-${stamp}-${n}`;
  fs.renameSync(file, damaged);
  for (const suffix of ['-wal', '-shm'])
    if (fs.existsSync(file + suffix)) fs.renameSync(file + suffix, damaged + suffix);
  return damaged;
}

function sync(file: string): void {
  const handle = fs.openSync(file, 'r+');
  fs.fsyncSync(handle);
  fs.closeSync(handle);
}

/** Two processes that find it damaged don't recover it both. @returns frees it */
function lock(file: string): () => void {
  const taken = tryLock(file);
  if ('lock' in taken) return () => taken.lock.release();
  const { owner, heartbeat } = taken.holder;
  const who = owner ? describeOwner(owner, heartbeat) : 'another process';
  throw new UserError(
    `The database in ${path.dirname(file)} is being recovered by ${who}: try again when it has ended.`,
  );
}
