import { plural } from '../../../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { type GlancedCheckpoint, glanceAtCheckpoints } from '../../../engine/checkpoint/index.ts';
import { parseStoredConfig, type RunConfig } from '../../../engine/run/config.ts';
import { schedule, totalSteps } from '../../../engine/run/schedule.ts';
import { readTrainerState, type TrainerState } from '../../../engine/run/state.ts';
import { checkpointDir, runDir } from '../../home.ts';
import { noData } from '../../run/noData.ts';
import { type Connection, sql } from '../connection.ts';
import { updateBest } from '../evals.ts';
import { insertMetrics } from '../metrics/rows.ts';
import { storedPath } from '../places.ts';
import { readRunFile, type RunFile, runFilePath } from '../runFile.ts';
import { fromStored, type StoredNumber, toStored } from '../schema.ts';

/** A row of the table of runs, or what is known of one: other versions have other columns. */
export type RunColumns = Readonly<Record<string, unknown>>;

/** The ids of runs that have a folder. */
export function runFolders(home: string): string[] {
  try {
    const entries = fs.readdirSync(path.dirname(runDir(home, 'x')), { withFileTypes: true });
    return entries.filter((e) => !e.isFile() && !e.name.startsWith('.')).map((e) => e.name);
  } catch {
    return []; // no run has been made
  }
}

/** The oldest run first: lists show them by when they were stored. */
export function byAge(home: string, ids: Iterable<string>): string[] {
  const made = (id: string): number =>
    readRunFile(home, id)?.run.createdAt ??
    glanceAtCheckpoints(path.dirname(checkpointDir(home, id, 0)))[0]?.writtenAt ??
    Infinity;
  const aged = [...ids].map((id) => ({ id, at: made(id) }));
  return aged.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at)).map(({ id }) => id);
}

/** How much later a run's file may be written than its row was changed, in milliseconds, without a look into it. */
const writingMs = 2000;
/** A run whose process was heard of so lately is left to that process. */
const aliveMs = 60_000;

/**
 * The runs of which their folders tell more than the database does: it has none of them, or an older record, as after a backup
 * was put back or the write-ahead log was lost.
 */
export function runsBehind(connection: Connection): string[] {
  const { home } = connection;
  const columns = ['id', 'updatedAt', 'heartbeat'] as const;
  const folders = runFolders(home);
  const rows = new Map(connection.all(sql.selectFrom('runs').select(columns)).map((row) => [row.id, row]));
  return folders.filter((id) => {
    const written = fs.statSync(runFilePath(home, id), { throwIfNoEntry: false })?.mtimeMs;
    if (written === undefined) return false;
    const row = rows.get(id);
    if (row && written <= row.updatedAt + writingMs) return false;
    if (row?.heartbeat && Math.abs(Date.now() - row.heartbeat) < aliveMs) return false;
    const file = readRunFile(home, id);
    return file !== null && (!row || file.run.updatedAt > row.updatedAt);
  });
}

/** What a run's folder tells of it. */
interface Found {
  readonly columns: RunColumns;
  readonly checkpoints: readonly GlancedCheckpoint[];
  /** Of the last checkpoint. */
  readonly trainer: TrainerState | null;
  readonly config: RunConfig | null;
  readonly file: RunFile | null;
}

/**
 * Brings what the database knows of a run up to what its folder tells: its record, where that is newer, and its checkpoints.
 * Nothing happens where the folder holds no run. Call it inside a transaction.
 * @param known the newest record that is known besides; null where there is none
 * @returns whether there is such a run now
 */
export function adopt(connection: Connection, id: string, known: RunColumns | null): boolean {
  const found = look(connection.home, id, known);
  if (!found) return known !== null;
  const serial = storeRun(connection, id, found.columns);
  storePhases(connection, serial, found);
  storeEvals(connection, serial, found);
  storeCheckpoints(connection, serial, id, found);
  storeProgress(connection, serial, found);
  return true;
}

const checkpointStateSchema = z.object({ config: z.unknown(), trainer: z.unknown() });

function look(home: string, id: string, known: RunColumns | null): Found | null {
  const file = readRunFile(home, id);
  const checkpoints = glanceAtCheckpoints(path.dirname(checkpointDir(home, id, 0)));
  const last = checkpoints.at(-1);
  const { trainer, config } = last ? contentOf(last) : { trainer: null, config: null };
  const recorded = file ? merged(columnsOf(file, id), known) : known;
  if (!recorded) {
    if (!trainer || !config) return null;
    return { columns: guessed(id, config, trainer, checkpoints), checkpoints, trainer, config, file };
  }
  // The last checkpoint may have been written after the record was.
  const isAhead = trainer !== null && trainer.step > Number(recorded.step);
  const columns = isAhead
    ? { ...recorded, step: trainer.step, tokensSeen: trainer.tokensSeen, lastLoss: null }
    : recorded;
  return { columns, checkpoints, trainer, config, file };
}

/** What people said of a run, and what it is. */
const described = [
  'name',
  'config',
  'device',
  'preset',
  'tags',
  'notes',
  'archived',
  'createdAt',
  'stepsTotal',
  'tokensTotal',
];

/** The newer record; what a run is its file knows best: it was written whole, which of a row of a damaged file nobody can tell. */
function merged(filed: RunColumns, known: RunColumns | null): RunColumns {
  if (known === null || Number(filed.updatedAt) > Number(known.updatedAt)) return filed;
  return { ...known, ...Object.fromEntries(described.map((name) => [name, filed[name] ?? null])) };
}

/** Its folder's name is its id, whatever the file says: paths follow from it. */
const columnsOf = ({ run }: RunFile, id: string): RunColumns => ({
  ...run,
  id,
  config: JSON.stringify(run.config),
  tags: JSON.stringify(run.tags),
});

function contentOf({ state }: GlancedCheckpoint): { trainer: TrainerState | null; config: RunConfig | null } {
  try {
    const { config } = checkpointStateSchema.parse(state);
    return { trainer: readTrainerState(state), config: parseStoredConfig(config as object) };
  } catch {
    return { trainer: null, config: null }; // of another version
  }
}

/** The record of a run of which nothing is left but checkpoints. */
function guessed(
  id: string,
  config: RunConfig,
  { step, tokensSeen, bestValLoss }: TrainerState,
  checkpoints: readonly GlancedCheckpoint[],
): RunColumns {
  const imported = config.dataset === noData;
  const stepsTotal = imported ? 0 : totalSteps(schedule(config));
  const times = checkpoints.map((c) => c.writtenAt);
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const complete = step >= stepsTotal;
  return {
    id,
    // A run is called after its data where nobody names it.
    name: imported ? id : config.dataset,
    state: complete ? 'completed' : 'interrupted',
    createdAt: first,
    updatedAt: last,
    startedAt: imported ? null : first,
    endedAt: last,
    config: JSON.stringify(config),
    device: config.device.kind,
    step,
    stepsTotal,
    tokensSeen,
    tokensTotal: stepsTotal * config.tokensPerStep,
    bestValLoss,
    message: complete ? `finished after ${plural(step, 'step')}` : 'recovered from its checkpoints',
  };
}

/** Stores a run's row, or changes the one that is there. @returns its serial */
export function storeRun(connection: Connection, id: string, columns: RunColumns): number {
  const exists = connection.prepare('SELECT serial FROM runs WHERE id = ?').pluck().get(id) as number | undefined;
  const names = tableColumns(connection, 'runs').filter((name) => name !== 'serial' && columns[name] !== undefined);
  const values = names.map((name) => columns[name]);
  if (exists !== undefined) {
    const set = names.map((name) => `"${name}" = ?`).join(', ');
    connection.prepare(`UPDATE runs SET ${set} WHERE serial = ?`).run(...values, exists);
    return exists;
  }
  const places = names.map(() => '?').join(', ');
  const insert = connection.prepare(`INSERT INTO runs ("${names.join('", "')}") VALUES (${places})`);
  return Number(insert.run(...values).lastInsertRowid);
}

export const tableColumns = (connection: Connection, table: string): string[] =>
  connection.prepare('SELECT name FROM pragma_table_info(?)').pluck().all(table) as string[];

function storePhases(connection: Connection, serial: number, { file, config, trainer, checkpoints }: Found): void {
  const insert = connection.prepare(
    'INSERT OR IGNORE INTO phases (run, position, kind, step, time) VALUES (?, ?, ?, ?, ?)',
  );
  for (const { position, kind, step, time } of file?.phases ?? []) insert.run(serial, position, kind, step, time);
  if (file || !config || !trainer || config.dataset === noData) return;
  for (const [position, { phase, start }] of schedule(config).entries()) {
    if (start < trainer.step) insert.run(serial, position, phase.kind, start, checkpoints.at(-1)!.writtenAt);
  }
}

function storeEvals(connection: Connection, serial: number, { file, checkpoints }: Found): void {
  const insert = connection.prepare(
    'INSERT OR IGNORE INTO evals (run, step, kind, dataset, value, data, time) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
  const forget = connection.prepare('DELETE FROM evals WHERE run = ? AND step = ? AND kind = ? AND dataset = ?');
  for (const { step, kind, dataset, value, data, time } of file?.evals ?? []) {
    forget.run(serial, step, kind, dataset);
    insert.run(serial, step, kind, dataset, toStored(fromStored(value)), JSON.stringify(data ?? {}), time);
  }
  for (const checkpoint of checkpoints) {
    const { trainer } = contentOf(checkpoint);
    if (!trainer || trainer.valLoss === null || trainer.evaluatedStep < 0) continue;
    insert.run(serial, trainer.evaluatedStep, 'validation', '', trainer.valLoss, '{}', checkpoint.writtenAt);
  }
  updateBest(connection, serial);
}

/** The checkpoints that are there, and no others. */
function storeCheckpoints(
  connection: Connection,
  serial: number,
  id: string,
  { file, checkpoints, trainer }: Found,
): void {
  const columns = ['step', 'valLoss', 'createdAt', 'best', 'machine'] as const;
  const before = connection.all(sql.selectFrom('checkpoints').select(columns).where('run', '=', serial));
  connection.prepare('DELETE FROM checkpoints WHERE run = ?').run(serial);
  const insert = connection.prepare(
    'INSERT INTO checkpoints (run, step, path, valLoss, bytes, createdAt, kept, best, machine) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  for (const { step, bytes, writtenAt, kept } of checkpoints) {
    const filed = file?.checkpoints.find((c) => c.step === step);
    const stored = before.find((c) => c.step === step);
    const valLoss: StoredNumber = filed ? toStored(fromStored(filed.valLoss)) : (stored?.valLoss ?? null);
    const machine = filed?.machine ? JSON.stringify(filed.machine) : (stored?.machine ?? null);
    const best = trainer ? trainer.bestStep === step : (filed?.best ?? stored?.best) === 1;
    const createdAt = filed?.createdAt ?? stored?.createdAt ?? writtenAt;
    const place = storedPath(connection.home, checkpointDir(connection.home, id, step));
    insert.run(
      serial,
      step,
      place,
      valLoss,
      bytes,
      createdAt,
      kept || filed?.kept === 1 ? 1 : 0,
      best ? 1 : 0,
      machine,
    );
  }
}

/** A run's progress is that of its last metrics: where those are lost, what is known of its last step takes their place. */
function storeProgress(connection: Connection, serial: number, { columns }: Found): void {
  const [step, updatedAt] = [Number(columns.step), Number(columns.updatedAt)];
  const last = connection.prepare('SELECT max(step) FROM metrics WHERE run = ?').pluck().get(serial) as number | null;
  if (step > (last ?? 0)) {
    const loss = fromStored((columns.lastLoss ?? null) as StoredNumber);
    insertMetrics(connection, serial, [{ step, time: updatedAt, loss, tokensSeen: Number(columns.tokensSeen) }]);
  } else if (last !== null) {
    connection
      .prepare(
        'UPDATE runs SET (step, tokensSeen, lastLoss) = (SELECT step, CAST(tokensSeen AS INTEGER), loss FROM metrics WHERE run = ? AND step = ?) WHERE serial = ?',
      )
      .run(serial, last, serial);
  }
  connection.prepare('UPDATE runs SET updatedAt = ? WHERE serial = ?').run(updatedAt, serial);
  const { bestValLoss } = columns;
  if (typeof bestValLoss !== 'number') return;
  connection
    .prepare('UPDATE runs SET bestValLoss = ? WHERE serial = ? AND (bestValLoss IS NULL OR bestValLoss > ?)')
    .run(bestValLoss, serial, bestValLoss);
}
