import fs from 'node:fs';
import Database from 'better-sqlite3';
import type { Connection } from '../connection.ts';
import { systemMetricNames } from '../../../engine/run/systemWatch.ts';
import { isCorruption } from '../errors.ts';
import { type MetricsRow, metricNames } from '../metrics/columns.ts';
import { insertMetrics, truncateMetrics } from '../metrics/rows.ts';
import { applicationId, schemaVersion } from '../migrations.ts';
import { fromStored, stateOf, storedStates, type StoredNumber } from '../schema.ts';
import { type RunColumns, storeRun, tableColumns } from './adopt.ts';
import { readAround } from './ranges.ts';

type Row = Readonly<Record<string, unknown>>;

/** What could be read of a damaged database. */
export interface Salvaged {
  /** Rows of runs by id. */
  readonly runs: ReadonlyMap<string, RunColumns>;
  readonly metrics: number;
  /** Whether nothing of the file was lost. */
  readonly whole: boolean;
}

const nothingSalvaged: Salvaged = { runs: new Map(), metrics: 0, whole: false };

/** Metrics that are stored at once. */
const chunk = 5000;

/**
 * Reads what can be read of a damaged database, table by table and past damaged pages, and stores it.
 * @param source a copy of the damaged file, which may be changed, with its write-ahead log beside it
 * @param template a new database of this program, where its beginning may stand in for one that is destroyed
 * @param into what is known from elsewhere; what the damaged file says is newer
 */
export function salvage(source: string, template: string | undefined, into: Connection): Salvaged {
  const db = openDamaged(source, template);
  if (!db) return nothingSalvaged;
  try {
    return new Salvage(db, fs.statSync(source).size, into).all();
  } finally {
    db.close();
  }
}

const pageBytes = 4096;

/** Opens it as it is, or with the header of a new one, or with all of its first page. */
function openDamaged(source: string, template: string | undefined): Database.Database | undefined {
  for (const bytes of [0, 100, pageBytes]) {
    if (bytes > 0 && (template === undefined || !replaceStart(source, template, bytes))) return undefined;
    let db: Database.Database | undefined;
    try {
      db = new Database(source);
      db.pragma('cell_size_check = ON');
      const known = db.pragma('application_id', { simple: true }) === applicationId;
      const names = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
      // With a first page that is not its own the tables may be others'.
      if (known && names.includes('runs') && (bytes < pageBytes || looksRight(db))) return db;
      db.close();
    } catch (error) {
      db?.close();
      if (!(error instanceof Database.SqliteError)) throw error;
    }
  }
  return undefined;
}

/** Puts the first bytes of another database in the place of a damaged one's. @returns whether there is anything behind them */
function replaceStart(source: string, template: string, bytes: number): boolean {
  const pages = Math.floor(fs.statSync(source).size / pageBytes);
  if (pages < 2) return false;
  const start = fs.readFileSync(template).subarray(0, bytes);
  // Its own number of pages, and no list of free ones.
  start.writeUInt32BE(pages, 28);
  start.writeUInt32BE(0, 32);
  start.writeUInt32BE(0, 36);
  const handle = fs.openSync(source, 'r+');
  fs.writeSync(handle, start, 0, bytes, 0);
  fs.closeSync(handle);
  for (const suffix of ['-wal', '-shm']) fs.rmSync(source + suffix, { force: true });
  return true;
}

function looksRight(db: Database.Database): boolean {
  const [run] = db.prepare('SELECT * FROM runs NOT INDEXED LIMIT 1').all() as Row[];
  return run === undefined || isRun(run);
}

/** Milliseconds since 1970 in this century; a page that is half overwritten may still yield rows. */
const isTime = (value: unknown): boolean => typeof value === 'number' && value > 1e12 && value < 5e12;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

function isRun({ id, name, config, tags = '[]', createdAt, updatedAt, state, step }: Row): boolean {
  if (typeof id !== 'string' || !/^[^/\\]+$/.test(id) || typeof name !== 'string') return false;
  const isKnown = (storedStates as readonly unknown[]).includes(state);
  return isKnown && isTime(createdAt) && isTime(updatedAt) && isCount(step) && isJson(config) && isJson(tags);
}

function isJson(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Measures that can't be negative. */
const amounts = [
  ...(['tokensPerSecond', 'mfu', 'memoryBytes', 'lossScale', 'stepMs', 'learningRate'] as const),
  ...systemMetricNames.filter((name) => !name.endsWith('Temperature')),
];

/** Measures that can't be above 1. */
const shares = ['cpuUtilization', 'gpuUtilization'] as const;

/**
 * Whether a row of metrics can have been measured: the last bytes of most hold the time, which damage of the row's end changes; of
 * the others they hold what machine and GPU reported.
 */
function isMeasured(row: Row): boolean {
  const values = metricNames.map((name) => row[name] ?? null);
  const sizes = values.every((v) => {
    if (v === null || v === 'NaN' || v === 0) return true;
    // No measure is as small or as large as most bits are that come by chance.
    return typeof v === 'number' && (!Number.isFinite(v) || (Math.abs(v) > 1e-40 && Math.abs(v) < 1e40));
  });
  if (!sizes || !isTime(row.time) || !isCount(row.step)) return false;
  if (row.tokensSeen !== null && !isCount(row.tokensSeen)) return false;
  const within = (names: readonly string[], is: (value: number) => boolean) =>
    names.every((name) => typeof row[name] !== 'number' || is(row[name]));
  return within(amounts, (value) => value >= 0) && within(shares, (value) => value <= 1);
}

class Salvage {
  readonly #db: Database.Database;
  readonly #into: Connection;
  /** No table has more rows. */
  readonly #maxRows: number;
  /** Ids of runs by their serials in the damaged file. */
  readonly #ids = new Map<number, string>();
  readonly #runs = new Map<string, RunColumns>();
  /** Serials of runs here, by those in the damaged file. */
  readonly #serials = new Map<number, number>();
  #whole = true;
  #metrics = 0;

  constructor(db: Database.Database, bytes: number, into: Connection) {
    this.#db = db;
    this.#into = into;
    this.#maxRows = Math.ceil(bytes / 16);
  }

  all(): Salvaged {
    this.#readRuns();
    this.#readLostIds();
    for (const [serial, id] of this.#ids) {
      const row = this.#runs.get(id);
      const known = this.#into.prepare('SELECT serial FROM runs WHERE id = ?').pluck().get(id) as number | undefined;
      if (row) this.#serials.set(serial, storeRun(this.#into, id, row));
      else if (known !== undefined) this.#serials.set(serial, known);
    }
    for (const serial of this.#serials.keys()) this.#readMetrics(serial);
    for (const [table, key] of keyed) for (const serial of this.#serials.keys()) this.#readRecords(table, key, serial);
    for (const table of ['samples', 'events']) this.#readRecords(table, 'id');
    return { runs: this.#runs, metrics: this.#metrics, whole: this.#whole };
  }

  #readRuns(): void {
    this.#read('runs', 'serial', '', [], this.#maxRows, (row) => {
      if (!isRun(row) || typeof row.serial !== 'number') return;
      this.#ids.set(row.serial, row.id as string);
      this.#runs.set(row.id as string, { ...row, state: stateOf(row.state as (typeof storedStates)[number]) });
    });
  }

  /** Where a run's row is lost, its checkpoints tell whose its metrics are. */
  #readLostIds(): void {
    this.#read('checkpoints', 'run', '', [], this.#maxRows, ({ run, path }) => {
      const id =
        typeof path === 'string' ? /(?:^|[/\\])runs[/\\]([^/\\]+)[/\\]checkpoints[/\\]/.exec(path)?.[1] : undefined;
      if (typeof run === 'number' && id !== undefined && !this.#ids.has(run)) this.#ids.set(run, id);
    });
  }

  #readMetrics(from: number): void {
    const run = this.#serials.get(from)!;
    let rows: MetricsRow[] = [];
    let newest = -1;
    const store = () => {
      insertMetrics(this.#into, run, rows);
      this.#metrics += rows.length;
      rows = [];
    };
    const whole = this.#read('metrics', 'step', 'run = ? AND', [from], this.#lastStep(from), (row) => {
      const { step } = row;
      if (typeof step !== 'number' || row.run !== from || !isMeasured(row)) return;
      newest = Math.max(newest, step);
      rows.push({
        step,
        ...Object.fromEntries(metricNames.map((name) => [name, fromStored((row[name] ?? null) as StoredNumber)])),
      } as MetricsRow);
      if (rows.length >= chunk) store();
    });
    store();
    // What is known from elsewhere of later steps was given up since.
    if (whole && newest >= 0) this.#into.write(() => truncateMetrics(this.#into, run, newest));
  }

  /** No step of a run is later. */
  #lastStep(serial: number): number {
    const step = this.#runs.get(this.#ids.get(serial) ?? '')?.step;
    return Math.max(this.#maxRows, typeof step === 'number' ? step : 0);
  }

  #readRecords(table: string, key: string, serial?: number): void {
    const columns = tableColumns(this.#into, table);
    const names = columns.map((name) => `"${name}"`).join(', ');
    const insert = this.#into.prepare(
      `INSERT OR REPLACE INTO ${table} (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
    const [where, values] = serial === undefined ? ['', []] : ['run = ? AND', [serial]];
    this.#read(table, key, where, values, serial === undefined ? this.#maxRows : this.#lastStep(serial), (row) => {
      const run = this.#serials.get(row.run as number);
      if (run === undefined || (serial !== undefined && row.run !== serial)) return;
      if (!isRecord(row)) return;
      try {
        insert.run(...columns.map((name) => (name === 'run' ? run : (row[name] ?? null))));
      } catch (error) {
        // What is not allowed in the table is no row of it.
        if (!(error instanceof Database.SqliteError) || !error.code.startsWith('SQLITE_CONSTRAINT')) throw error;
      }
    });
  }

  #read(table: string, key: string, where: string, values: unknown[], last: number, take: (row: Row) => void): boolean {
    const select = (order: string) =>
      this.#db.prepare(
        `SELECT * FROM ${table} NOT INDEXED WHERE ${where} ${key} BETWEEN ? AND ? ORDER BY ${key} ${order}`,
      );
    try {
      const statements = { ASC: select('ASC'), DESC: select('DESC') };
      const rows = {
        select: (from: number, to: number, order: 'ASC' | 'DESC') =>
          statements[order].iterate(...values, from, to) as IterableIterator<Row>,
        keyOf: (row: Row) => Number(row[key]),
      };
      const whole = readAround(rows, 0, last, take, isCorruption);
      if (!whole) this.#whole = false;
      return whole;
    } catch (error) {
      // An older version has no such table, or its schema is lost.
      if (!(error instanceof Database.SqliteError) || error.code !== 'SQLITE_ERROR') throw error;
      return (this.#whole = false);
    }
  }
}

/** Whether a row's time is one, and what should be JSON is. */
function isRecord({ time, createdAt, data, machine }: Row): boolean {
  const times = [time, createdAt].every((value) => value === undefined || isTime(value));
  return times && [data, machine].every((value) => value === undefined || value === null || isJson(value));
}

/** Tables whose rows are a run's, by the number that follows its serial in their key. */
const keyed = [
  ['phases', 'position'],
  ['evals', 'step'],
  ['itemScores', 'step'],
  ['checkpoints', 'step'],
] as const;

/** Whether a damaged file was written by a newer version of this program: it is left alone. */
export function isNewer(file: string): boolean {
  try {
    const header = Buffer.alloc(100);
    const handle = fs.openSync(file, 'r');
    fs.readSync(handle, header, 0, 100, 0);
    fs.closeSync(handle);
    return header.readInt32BE(68) === applicationId && header.readInt32BE(60) > schemaVersion;
  } catch {
    return false;
  }
}
