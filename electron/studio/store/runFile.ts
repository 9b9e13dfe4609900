import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { runDir } from '../home.ts';
import { type Connection, sql } from './connection.ts';
import { stateOf, storedStates } from './schema.ts';

/**
 * The record of a run, in the run's own folder: what is needed to list, show and resume it where the database is damaged or
 * gone. It repeats what the database says, without metrics, samples and events.
 */
export const runFileName = 'run.json';

export const runFilePath = (home: string, id: string): string => path.join(runDir(home, id), runFileName);

/** JSON has no NaN and no infinities. */
const number = z.union([
  z.number(),
  z.literal('NaN'),
  z.literal(['Infinity', '-Infinity']).transform((text) => Number(text)),
]);

const runSchema = z.looseObject({
  id: z.string().min(1),
  name: z.string(),
  state: z.enum(storedStates).transform(stateOf),
  createdAt: z.number(),
  updatedAt: z.number(),
  startedAt: z.number().nullable(),
  endedAt: z.number().nullable(),
  config: z.record(z.string(), z.unknown()),
  device: z.string(),
  step: z.int().min(0),
  stepsTotal: z.int().nullable(),
  tokensSeen: z.int().min(0),
  tokensTotal: z.int().nullable(),
  lastLoss: number.nullable(),
  bestValLoss: number.nullable(),
  message: z.string().nullable(),
  archived: z.literal([0, 1]),
  tags: z.array(z.string()),
  notes: z.string(),
  preset: z.string().nullable(),
});

const schema = z.object({
  format: z.literal(1),
  /** The run's row; whose process it is, too. */
  run: runSchema,
  phases: z.array(z.object({ position: z.int(), kind: z.string(), step: z.int(), time: z.number() })),
  evals: z.array(
    z.object({
      step: z.int(),
      kind: z.string(),
      dataset: z.string(),
      value: number.nullable(),
      data: z.unknown(),
      time: z.number(),
    }),
  ),
  checkpoints: z.array(
    z.object({
      step: z.int(),
      valLoss: number.nullable(),
      bytes: z.int(),
      createdAt: z.number(),
      kept: z.literal([0, 1]),
      best: z.literal([0, 1]),
      machine: z.unknown(),
    }),
  ),
});

export type RunFile = z.output<typeof schema>;

/** What the store knows of a run; undefined where it is deleted. */
export function runFileOf(connection: Connection, serial: number): object | undefined {
  return connection.read(() => {
    const row = connection.first(sql.selectFrom('runs').selectAll().where('serial', '=', serial));
    if (!row) return undefined;
    const { serial: _, config, tags, ...rest } = row;
    const of = (table: 'phases' | 'evals' | 'checkpoints') =>
      connection
        .all(sql.selectFrom(table).selectAll().where('run', '=', serial))
        .map(({ run: _run, ...record }) => record as Record<string, unknown>);
    const parsed = (text: unknown) => (typeof text === 'string' ? (JSON.parse(text) as unknown) : null);
    return {
      format: 1,
      run: { ...rest, config: parsed(config), tags: parsed(tags) },
      phases: of('phases'),
      evals: of('evals').map((e) => ({ ...e, data: parsed(e.data) })),
      checkpoints: of('checkpoints').map(({ path: _path, ...c }) => ({ ...c, machine: parsed(c.machine) })),
    };
  });
}

const plain = (_: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;

/** The record in a run's folder; null where there is none, or none that can be read. */
export const readRunFile = (home: string, id: string): RunFile | null => readRunFileIn(runDir(home, id));

/** The same of a run's folder, in whatever home. */
export function readRunFileIn(dir: string): RunFile | null {
  try {
    const parsed = schema.safeParse(JSON.parse(fs.readFileSync(path.join(dir, runFileName), 'utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // missing, cut off, or not readable
  }
}

/** Writes a file whole or not at all, also through a power cut. */
export function writeWhole(file: string, text: string): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    const handle = fs.openSync(partial, 'w');
    try {
      fs.writeFileSync(handle, text);
      fs.fsyncSync(handle);
    } finally {
      fs.closeSync(handle);
    }
    fs.renameSync(partial, file);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw error;
  }
}

/** How long changes are collected before a run's file is written. */
const delayMs = 250;

/** Keeps the files of runs in step with the database. */
export class RunFiles {
  readonly #connection: Connection;
  readonly #changed = new Set<number>();
  readonly #written = new Map<number, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The run's record has changed: its file is written soon. */
  changed(serial: number): void {
    this.#changed.add(serial);
    // Waiting changes don't keep a process alive: closing the store writes them.
    this.#timer ??= setTimeout(() => this.flush(), delayMs).unref();
  }

  /** Gives runs a file that have none: older versions wrote none. */
  addMissing(): void {
    const { home } = this.#connection;
    for (const { serial, id } of this.#connection.all(sql.selectFrom('runs').select(['serial', 'id']))) {
      if (!fs.existsSync(runFilePath(home, id))) this.changed(serial);
    }
  }

  /** Writes what waits. What can't be written is tried again with the next change: the database has it. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const serial of [...this.#changed]) {
      try {
        this.#write(serial);
        this.#changed.delete(serial);
      } catch {
        // A full disk, or a database that is damaged: whoever writes metrics hears of it.
      }
    }
  }

  #write(serial: number): void {
    const content = runFileOf(this.#connection, serial) as { run: { id: string } } | undefined;
    if (!content) return;
    const text = `${JSON.stringify(content, plain, 1)}\n`;
    if (this.#written.get(serial) === text) return;
    const file = runFilePath(this.#connection.home, content.run.id);
    // A home, or a run's folder, that was moved or removed meanwhile must not be there again with this file alone.
    const isGone = this.#written.has(serial)
      ? !fs.existsSync(path.dirname(file))
      : !fs.existsSync(this.#connection.file);
    if (isGone) return;
    fs.mkdirSync(path.dirname(file), { recursive: true });
    writeWhole(file, text);
    this.#written.set(serial, text);
  }
}

/** Forgets a run's file, and its folder where nothing else is in it. */
export function removeRunFile(home: string, id: string): void {
  try {
    fs.rmSync(runFilePath(home, id), { force: true });
  } catch (error) {
    // What lies in the place of the folder of runs is no folder: then there is none to forget.
    if ((error as NodeJS.ErrnoException).code !== 'ENOTDIR') throw error;
  }
  try {
    fs.rmdirSync(runDir(home, id));
  } catch {
    // Its checkpoints are there, or it never had a folder.
  }
}
