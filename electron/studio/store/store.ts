import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UserError } from '../../base/errors.ts';
import { dbPath } from '../home.ts';
import { backUp } from './backup.ts';
import * as checkpoints from './checkpoints.ts';
import * as claims from './claims.ts';
import { type Connection, sql } from './connection.ts';
import * as datasets from './datasets.ts';
import * as generations from './generations.ts';
import { DamagedError } from './errors.ts';
import type { Bucket } from './metrics/buckets.ts';
import type { MetricName, StoredMetrics } from './metrics/columns.ts';
import { recentSpeed, trainedMs } from './metrics/progress.ts';
import { dropSome, insertMetrics, readMetrics, truncateMetrics } from './metrics/rows.ts';
import { readBuckets, readEnds, type SeriesOptions, type SeriesPoint, toMeans, toPoints } from './metrics/series.ts';
import { MetricsWriter, type WriterOptions } from './metrics/writer.ts';
import { type OpenOptions, openConnection } from './open.ts';
import { heartbeatEveryMs } from '../../base/owner.ts';
import { JobTable } from './jobs.ts';
import * as itemScores from './itemScores.ts';
import * as runRequests from './runRequests.ts';
import { catchUp } from './recover/catchUp.ts';
import { describeRecovery, isDamaged, recoverDatabase } from './recover/recover.ts';
import { openSnapshot } from './snapshot.ts';
import * as records from './records.ts';
import { removeRunFile, RunFiles } from './runFile.ts';
import * as runs from './runs.ts';
import type { EventLevel, RunRequestState, RunState } from './schema.ts';

/** What a chart draws of one measure. */
export interface Measure {
  readonly points: readonly SeriesPoint[];
  readonly means: readonly SeriesPoint[];
  /** Steps of an interval: 1 where every value is among the points. */
  readonly width: number;
}

interface Keeping {
  readonly keep?: boolean;
  readonly report?: (line: string) => void;
  readonly onClose?: () => void;
}

/**
 * What is known of runs, in one SQLite file. Runs are named by their whole id; only `getRun` takes less.
 * Everything is synchronous, and throws a UserError that names the file when the disk is full, the file locked,
 * read-only or damaged, or when there is no such run.
 */
export class Store {
  readonly file: string;
  readonly jobs: JobTable;
  readonly #connection: Connection;
  readonly #serials = new Map<string, number>();
  /** Called when the claim on a run is lost, by its serial. */
  readonly #claimed = new Map<number, () => void>();
  readonly #files: RunFiles | undefined;
  /** Within `atomically`: nothing is written to runs' folders of what may not be stored after all. */
  #atomic = false;
  readonly #report: (line: string) => void;
  readonly #onClose: () => void;
  #heartbeat: NodeJS.Timeout | undefined;

  /**
   * @param keep whether each run's record is kept in its folder, and a backup beside the database
   * @param onClose called when it is closed
   */
  constructor(connection: Connection, { keep = false, report = () => {}, onClose = () => {} }: Keeping = {}) {
    this.#connection = connection;
    this.file = connection.file;
    this.jobs = new JobTable(connection);
    this.#report = report;
    this.#onClose = onClose;
    if (!keep) return;
    this.#files = new RunFiles(connection);
    this.#files.addMissing();
  }

  /** Stores a new run, `preparing` and owned by this process. */
  createRun(run: runs.NewRun): runs.Run {
    const made = this.#connection.write(() => {
      const id = runs.createRun(this.#connection, run);
      this.claimRun(id);
      return this.getRun(id);
    });
    if (!this.#atomic) this.#files?.flush();
    return made;
  }

  /** The run of this id, name, or beginning of an id. @throws UserError where none or several fit */
  getRun(text: string): runs.Run {
    return runs.toRun(runs.findRun(this.#connection, text));
  }

  /** The folder that it keeps; where it was when it was opened. */
  get home(): string {
    return this.#connection.home;
  }

  /** @throws UserError when the home was moved or removed meanwhile: what is made by its path now would be lost to its user */
  requireInPlace(): void {
    if (!fs.existsSync(this.file))
      throw new UserError(
        `The data folder ${this.home} was moved or removed while Trainyard was running: close Trainyard, and start it with the folder's new location (--home).`,
      );
  }

  /** Whether there is a run of exactly this id. */
  hasRun(id: string): boolean {
    return this.#connection.first(sql.selectFrom('runs').select('id').where('id', '=', id)) !== undefined;
  }

  get isOpen(): boolean {
    return this.#connection.isOpen;
  }

  /** Stores all that `work` does or nothing of it. */
  atomically<T>(work: () => T): T {
    const before = new Map(this.#claimed);
    this.#atomic = true;
    try {
      const result = this.#connection.write(work);
      this.#files?.flush();
      return result;
    } catch (error) {
      // A run that was made in it is none.
      for (const serial of this.#claimed.keys()) if (!before.has(serial)) this.#claimed.delete(serial);
      throw error;
    } finally {
      this.#atomic = false;
    }
  }

  /** Another value whenever anything in the store may have changed, by whatever process. */
  version(): string {
    return this.#connection.version();
  }

  /** The newest first. */
  listRuns(filter?: runs.RunFilter): runs.Run[] {
    return runs.listRuns(this.#connection, filter);
  }

  updateRun(id: string, patch: runs.RunPatch): void {
    runs.updateRun(this.#connection, this.#changing(id), patch);
  }

  /** @param early of a run that is complete: whether its user has stopped it before its phases had ended */
  setRunState(id: string, state: RunState, message?: string, early?: boolean): void {
    runs.setRunState(this.#connection, this.#changing(id), state, message ?? null, early);
  }

  /**
   * Deletes all that is stored of a run; its files are not touched.
   * @param claimed this process has claimed it for that
   * @throws UserError while a process owns it
   */
  deleteRun(id: string, claimed = false): void {
    this.#connection.write(() => {
      claims.requireUnowned(this.#connection, this.#serial(id));
      if (!claimed && this.isOwn(id)) throw new UserError(`The run ${id} belongs to this process: stop it first.`);
      this.#connection.run(sql.deleteFrom('runs').where('serial', '=', this.#serial(id)));
      // A run whose record is left in its folder would be taken for one that the database has lost.
      removeRunFile(this.#connection.home, id);
    });
    this.#claimed.delete(this.#serial(id));
    this.#serials.delete(id);
  }

  /**
   * Deletes a run bit by bit, so that nobody waits for the rows of millions of steps.
   * @throws UserError as `deleteRun` does
   */
  async deleteRunInTurns(id: string, claimed = false): Promise<void> {
    claims.requireUnowned(this.#connection, this.#serial(id));
    while (dropSome(this.#connection, this.#serial(id), rowsPerTurn)) await setImmediate();
    this.deleteRun(id, claimed);
  }

  /**
   * Makes this process the run's owner, until it is released or the process ends.
   * @param onLost called when another process has become the owner, which took this one for dead: it stood still for minutes
   * @throws UserError while another is
   */
  claimRun(id: string, onLost: () => void = () => {}): void {
    const serial = this.#changing(id);
    claims.claim(this.#connection, serial);
    this.#claimed.set(serial, onLost);
    this.#heartbeat ??= setInterval(() => this.#beat(), heartbeatEveryMs).unref();
  }

  /** Whether this process owns a run. */
  isOwn(id: string): boolean {
    return claims.isOwn(this.#connection, this.#serial(id));
  }

  /** Whether a run whose owner is gone is still being saved by its engine. */
  isOrphaned(id: string): boolean {
    return claims.isOrphaned(this.#connection, this.#serial(id));
  }

  releaseRun(id: string): void {
    const serial = this.#changing(id);
    claims.release(this.#connection, serial);
    this.#claimed.delete(serial);
  }

  /** Marks active runs whose process is gone. @returns them */
  markInterrupted(): runs.Run[] {
    const serials = claims.markInterrupted(this.#connection);
    if (serials.length === 0) return [];
    for (const serial of serials) this.#files?.changed(serial);
    return this.#connection.all(sql.selectFrom('runs').selectAll().where('serial', 'in', serials)).map(runs.toRun);
  }

  /**
   * Stores a run's config with other phases, and an event that says so: both, or nothing. That a phase was entered of which
   * no step is trained is forgotten: another one may have its place now.
   */
  changePhases(id: string, step: number, patch: runs.RunPatch, message: string, data: unknown): void {
    this.#connection.write(() => {
      this.updateRun(id, patch);
      records.removePhasesFrom(this.#connection, this.#serial(id), step);
      this.addEvent(id, step, 'info', 'phases', message, data);
    });
  }

  /** Asks something of the process that trains a run. @returns the request's id */
  addRunRequest(id: string, what: unknown): number {
    return runRequests.addRunRequest(this.#connection, this.#serial(id), what);
  }

  /** What was asked of a run, each handed out once. */
  takeRunRequests(id: string): runRequests.RunRequestRecord[] {
    return runRequests.takeRunRequests(this.#connection, this.#serial(id));
  }

  /** @param refusal why it was refused; null when it was done */
  answerRunRequest(request: number, refusal: string | null): void {
    runRequests.answerRunRequest(this.#connection, request, refusal);
  }

  /** How far a request is; undefined when it is withdrawn. */
  runRequestStatus(request: number): runRequests.RunRequestStatus | undefined {
    return runRequests.runRequestStatus(this.#connection, request);
  }

  /** Forgets a request. @returns how far it was: an open one is not made any more, a taken one may still be */
  withdrawRunRequest(request: number): RunRequestState | undefined {
    return runRequests.withdrawRunRequest(this.#connection, request);
  }

  /** Stores a run's metrics in batches; close it when the run rests. */
  metricsWriter(id: string, options?: WriterOptions): MetricsWriter {
    const serial = this.#serial(id);
    return new MetricsWriter((rows) => insertMetrics(this.#connection, serial, rows), options);
  }

  /** Whole rows, fromStep..toStep included. */
  readMetrics(id: string, { fromStep = 0, toStep = Number.MAX_SAFE_INTEGER }: SeriesOptions = {}): StoredMetrics[] {
    return readMetrics(this.#connection, this.#serial(id), fromStep, toStep);
  }

  /** One measure for a chart: about 2 × `points` points at most, minima and maxima kept. */
  readSeries(id: string, metric: MetricName, options?: SeriesOptions): SeriesPoint[] {
    return [...this.readMeasure(id, metric, options).points];
  }

  /** One measure for a chart: its points, and the mean of each interval, which lies between them. */
  readMeasure(id: string, metric: MetricName, options?: SeriesOptions): Measure {
    const buckets = this.readBuckets(id, metric, options);
    const points = toPoints(buckets, readEnds(this.#connection, this.#serial(id), metric, buckets, options));
    const [first, last] = [points[0]?.step ?? 0, points[points.length - 1]?.step ?? 0];
    const width = buckets[0] ? buckets[0].toStep - buckets[0].fromStep + 1 : 1;
    return { points, means: toMeans(buckets, [first, last]), width };
  }

  /** One measure for a chart with bands: count, minimum, maximum and sum of each interval. */
  readBuckets(id: string, metric: MetricName, options?: SeriesOptions): Bucket[] {
    return readBuckets(this.#connection, this.#serial(id), metric, options);
  }

  /** Tokens/s of a run's last steps; null where none of them says. */
  recentSpeed(id: string): number | null {
    return recentSpeed(this.#connection, this.#serial(id));
  }

  /** How long a run has trained, in milliseconds, without what it rested; null before its first step. */
  trainedMs(id: string): number | null {
    return trainedMs(this.#connection, this.#serial(id));
  }

  /** Deletes metrics, evaluations, samples and phases after a step (-1: all of them); events and checkpoints stay. */
  truncateAfter(id: string, step: number): void {
    const serial = this.#changing(id);
    this.#connection.write(() => {
      records.truncateRecords(this.#connection, serial, step);
      truncateMetrics(this.#connection, serial, step);
    });
  }

  addEvent(id: string, step: number | null, level: EventLevel, kind: string, message: string, data?: unknown): void {
    records.addEvent(this.#connection, this.#serial(id), { step, level, kind, message, data });
  }

  /** @param after id of an event: only later ones */
  listEvents(id: string, after?: number): records.RunEventRecord[] {
    return records.listEvents(this.#connection, this.#serial(id), after);
  }

  /** @param dataset empty for the run's own validation split: its `validation` losses make the run's best */
  addEval(id: string, step: number, kind: string, value: number, data?: unknown, dataset = ''): void {
    records.addEval(this.#connection, this.#changing(id), { step, kind, dataset, value, data });
  }

  /** Stores what came of single items of an evaluation. @param task what is evaluated, and on which items */
  addItemScores(id: string, step: number, task: string, scores: readonly itemScores.ItemScoreRecord[]): void {
    itemScores.addItemScores(this.#connection, this.#serial(id), step, task, scores);
  }

  /** Items of an evaluation that are done. */
  listItemScores(id: string, step: number, task: string): itemScores.ItemScoreRecord[] {
    return itemScores.listItemScores(this.#connection, this.#serial(id), step, task);
  }

  listEvals(id: string): records.EvalRecord[] {
    return records.listEvals(this.#connection, this.#serial(id));
  }

  /** The evaluations of all runs by their ids: at once, where there are thousands of runs. */
  listAllEvals(): ReadonlyMap<string, records.EvalRecord[]> {
    return records.listAllEvals(this.#connection);
  }

  /** What the last validation loss of a run's own validation split was taken over; undefined where there is none yet. */
  latestValidation(id: string): unknown {
    return records.latestValidation(this.#connection, this.#serial(id));
  }

  /** The same of all runs by their ids. */
  latestValidations(): ReadonlyMap<string, unknown> {
    return records.latestValidations(this.#connection);
  }

  addSample(id: string, step: number, prompt: string, seed: number, text: string): void {
    records.addSample(this.#connection, this.#serial(id), { step, prompt, seed, text });
  }

  listSamples(id: string): records.SampleRecord[] {
    return records.listSamples(this.#connection, this.#serial(id));
  }

  /** Stores at which step a phase of the plan began. */
  addPhase(id: string, index: number, kind: string, step: number): void {
    records.addPhase(this.#connection, this.#changing(id), { index, kind, step });
  }

  listPhases(id: string): records.PhaseRecord[] {
    return records.listPhases(this.#connection, this.#serial(id));
  }

  addCheckpoint(id: string, checkpoint: checkpoints.NewCheckpoint): void {
    checkpoints.addCheckpoint(this.#connection, this.#changing(id), checkpoint);
  }

  removeCheckpoint(id: string, step: number): void {
    checkpoints.removeCheckpoint(this.#connection, this.#changing(id), step);
  }

  keepCheckpoint(id: string, step: number, kept: boolean): void {
    checkpoints.keepCheckpoint(this.#connection, this.#changing(id), step, kept);
  }

  listCheckpoints(id: string): checkpoints.CheckpointRecord[] {
    return checkpoints.listCheckpoints(this.#connection, this.#serial(id));
  }

  /** The checkpoints of all runs, by the runs' ids. */
  listAllCheckpoints(): ReadonlyMap<string, readonly Pick<checkpoints.CheckpointRecord, 'step' | 'kept'>[]> {
    return checkpoints.listAllCheckpoints(this.#connection);
  }

  /** Keeps a text that a checkpoint wrote. @returns its id */
  addGeneration(generation: generations.NewGeneration): number {
    return generations.addGeneration(this.#connection, generation);
  }

  /** Texts that checkpoints wrote, the latest first. */
  listGenerations(filter: generations.GenerationFilter): generations.GenerationRecord[] {
    return generations.listGenerations(this.#connection, filter);
  }

  /** How the tokens of such a text were chosen; undefined where there is none. */
  generationTokens(id: number): unknown {
    return generations.generationTokens(this.#connection, id);
  }

  /** @param ids absent: all */
  removeGenerations(ids?: readonly number[]): void {
    generations.removeGenerations(this.#connection, ids);
  }

  upsertDataset(dataset: datasets.NewDataset): void {
    datasets.upsertDataset(this.#connection, dataset);
  }

  getDataset(name: string): datasets.DatasetRecord {
    return datasets.getDataset(this.#connection, name);
  }

  listDatasets(): datasets.DatasetRecord[] {
    return datasets.listDatasets(this.#connection);
  }

  removeDataset(name: string): void {
    datasets.removeDataset(this.#connection, name);
  }

  close(): void {
    clearInterval(this.#heartbeat);
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

  #serial(id: string): number {
    let serial = this.#serials.get(id);
    if (serial === undefined) {
      serial = this.#connection.first(sql.selectFrom('runs').select('serial').where('id', '=', id))?.serial;
      if (serial === undefined) throw new UserError(`There is no run ${JSON.stringify(id)}.`);
      this.#serials.set(id, serial);
    }
    return serial;
  }

  /** The serial of a run whose record is about to change. */
  #changing(id: string): number {
    const serial = this.#serial(id);
    this.#files?.changed(serial);
    return serial;
  }

  #beat(): void {
    try {
      for (const serial of claims.beat(this.#connection, [...this.#claimed.keys()])) {
        const onLost = this.#claimed.get(serial);
        this.#claimed.delete(serial);
        onLost?.();
      }
    } catch {
      // A beat that is lost does no harm: the next one or the next metrics tell what is wrong.
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
/** Of a run that is deleted in turns. */
const rowsPerTurn = 2000;

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
    store.markInterrupted();
    snapshot.freeze();
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}
