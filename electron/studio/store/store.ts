import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { dbPath } from '../home.ts';
import { backUp } from './backup.ts';
import { CheckpointTable } from './checkpoints.ts';
import { Claims } from './claims.ts';
import type { Connection } from './connection.ts';
import { DatasetTable } from './datasets.ts';
import { DamagedError } from './errors.ts';
import { EvalTable } from './evals.ts';
import { EventTable } from './events.ts';
import { GenerationTable } from './generations.ts';
import { ItemScoreTable } from './itemScores.ts';
import { JobTable } from './jobs.ts';
import { MetricsTable } from './metrics/table.ts';
import { type OpenOptions, openConnection } from './open.ts';
import { PhaseTable } from './phases.ts';
import { catchUp } from './recover/catchUp.ts';
import { describeRecovery, isDamaged, recoverDatabase } from './recover/recover.ts';
import { RunFiles } from './runFile.ts';
import { RunRequestTable } from './runRequests.ts';
import { RunTable } from './runs.ts';
import { SampleTable } from './samples.ts';
import { RunSerials } from './serials.ts';
import { openSnapshot } from './snapshot.ts';

interface Keeping {
  readonly keep?: boolean;
  readonly report?: (line: string) => void;
  readonly onClose?: () => void;
}

/**
 * What is known of a home's runs, datasets and jobs, in one SQLite file: a class for each kind of record, which share its connection.
 * Runs are named by their whole id; only `runs.get` takes less.
 * Everything is synchronous, and throws a UserError that names the file when the disk is full, the file locked,
 * read-only or damaged, or when there is no such run.
 */
export class Store {
  readonly file: string;
  readonly runs: RunTable;
  /** Which process owns which run. */
  readonly claims: Claims;
  /** What is asked of the processes that train runs. */
  readonly requests: RunRequestTable;
  readonly metrics: MetricsTable;
  readonly events: EventTable;
  readonly evals: EvalTable;
  readonly itemScores: ItemScoreTable;
  readonly samples: SampleTable;
  readonly phases: PhaseTable;
  readonly checkpoints: CheckpointTable;
  readonly generations: GenerationTable;
  readonly datasets: DatasetTable;
  readonly jobs: JobTable;
  readonly #connection: Connection;
  readonly #files: RunFiles | undefined;
  /** Within `atomically`: nothing is written to runs' folders of what may not be stored after all. */
  #atomic = false;
  readonly #report: (line: string) => void;
  readonly #onClose: () => void;

  /**
   * @param keep whether each run's record is kept in its folder, and a backup beside the database
   * @param onClose called when it is closed
   */
  constructor(connection: Connection, { keep = false, report = () => {}, onClose = () => {} }: Keeping = {}) {
    this.#connection = connection;
    this.file = connection.file;
    this.#report = report;
    this.#onClose = onClose;
    this.#files = keep ? new RunFiles(connection) : undefined;
    const serials = new RunSerials(connection, (serial) => this.#files?.changed(serial));
    this.claims = new Claims(connection, serials);
    this.requests = new RunRequestTable(connection, serials);
    this.metrics = new MetricsTable(connection, serials);
    this.events = new EventTable(connection, serials);
    this.evals = new EvalTable(connection, serials);
    this.itemScores = new ItemScoreTable(connection, serials);
    this.samples = new SampleTable(connection, serials);
    this.phases = new PhaseTable(connection, serials);
    this.checkpoints = new CheckpointTable(connection, serials);
    this.generations = new GenerationTable(connection);
    this.datasets = new DatasetTable(connection);
    this.jobs = new JobTable(connection);
    this.runs = new RunTable(connection, serials, this, () => {
      if (!this.#atomic) this.#files?.flush();
    });
    this.#files?.addMissing();
  }

  /** The folder that it keeps; where it was when it was opened. */
  get home(): string {
    return this.#connection.home;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** @throws UserError when the home was moved or removed meanwhile: what is made by its path now would be lost to its user */
  requireInPlace(): void {
    if (!fs.existsSync(this.file))
      throw new UserError(
        `The data folder ${this.home} was moved or removed while Trainyard was running: close Trainyard, and start it with the folder's new location (--home).`,
      );
  }

  /** Stores all that `work` does or nothing of it. */
  atomically<T>(work: () => T): T {
    this.#atomic = true;
    try {
      return this.claims.undoing(() => {
        const result = this.#connection.write(work);
        this.#files?.flush();
        return result;
      });
    } finally {
      this.#atomic = false;
    }
  }

  /** Another value whenever anything in the store may have changed, by whatever process. */
  version(): string {
    return this.#connection.version();
  }

  close(): void {
    this.claims.close();
    if (!this.#connection.isOpen) return;
    try {
      this.#files?.flush();
      if (this.#files) backUp(this.#connection);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#report(error.message);
    } finally {
      this.#connection.close();
      this.#onClose();
    }
  }
}

export interface StoreOptions extends OpenOptions {
  /** Told what was damaged, missing or behind, and what came of it: one line each. */
  readonly report?: (line: string) => void;
}

/**
 * Opens `<home>/trainyard.db`, created and migrated as needed. A damaged one is recovered, and so is a missing one whose runs are
 * there.
 * @throws UserError when it can't be used
 */
export function openStore(home: string, { report = () => {}, ...options }: StoreOptions = {}): Store {
  const file = dbPath(path.resolve(home));
  if (options.readonly) return new Store(openConnection(file, options));
  const connection = openSound(file, options, report);
  const behind = catchUp(connection);
  if (behind !== null) report(behind);
  return new Store(connection, { keep: true, report });
}

/** Reading more of a damaged database takes longer than people wait without a word. */
const longBytes = 32 * 2 ** 20;

function openSound(file: string, options: OpenOptions, report: (line: string) => void): Connection {
  try {
    return openConnection(file, options);
  } catch (error) {
    if (!(error instanceof DamagedError)) throw error;
    if (fs.statSync(file).size > longBytes)
      report(`The database ${file} is damaged: reading what is left takes a while.`);
    report(describeRecovery(recoverDatabase(file)));
    return openConnection(file, options);
  }
}

/**
 * Brings back what the database has lost: of a damaged one, and of one that lacks runs which have a folder.
 * @returns what came of it, for people: one line each
 * @throws UserError when it can't be done
 */
export function recoverStore(home: string): string[] {
  const reported: string[] = [];
  const file = dbPath(path.resolve(home));
  if (fs.existsSync(file) && isDamaged(file)) reported.push(describeRecovery(recoverDatabase(file)));
  openStore(home, { report: (line) => reported.push(line) }).close();
  const connection = openConnection(file);
  try {
    const behind = catchUp(connection, true);
    if (behind !== null) reported.push(behind);
  } finally {
    connection.close();
  }
  return reported;
}

/** Opens a copy of the database of a home that can't be written; runs whose process is gone are marked in it. */
export function openToRead(home: string, report: (line: string) => void): Store {
  const snapshot = openSnapshot(dbPath(path.resolve(home)), report);
  const store = new Store(snapshot.connection, { onClose: snapshot.remove });
  try {
    store.runs.markInterrupted();
    snapshot.freeze();
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}
