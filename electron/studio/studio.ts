import { shownState } from '../base/states.ts';
import { plural } from '../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';
import {
  checkpointName,
  cleanPartials,
  type LatestCheckpoint,
  latestValid,
  type OpenedCheckpoint,
  type RefusedCheckpoint,
  setKept,
} from '../engine/checkpoint/index.ts';
import { readTextFile } from '../base/textFile.ts';
import { kindOf, type RunDevice } from '../engine/devices/registry.ts';
import type { Gpu } from '../engine/fit/gpus.ts';
import type { LowBitStates } from '../engine/optimizers/index.ts';
import { lookForTokenizersIn, tokenizersDir } from '../data/tokenizers/index.ts';
import type { Admission } from '../engine/run/admission.ts';
import { parseRunConfig, parseStoredConfig, type RunConfig } from '../engine/run/config.ts';
import { type DeviceChoice, deviceForJob, isSameDevice, onDevice } from '../engine/devices/choose.ts';
import type { WritingOptions, Written } from '../engine/use/generate.ts';
import type { JobPlace } from '../engine/use/loadJob.ts';
import { type PhaseChange, startedPhases, withChangedPhases } from '../engine/run/phaseChange.ts';
import type { PrepareJob, ToEngine } from '../engine/process/messages.ts';
import { namedDatasets, schedule, totalSteps } from '../engine/run/schedule.ts';
import { readTrainerState } from '../engine/run/state.ts';
import type { DatasetDirs } from '../engine/run/data.ts';
import { messageOf, UsageError, UserError } from '../base/errors.ts';
import { parseItems } from '../evals/hellaswag/items.ts';
import { type HellaswagResult, summarise } from '../evals/hellaswag/score.ts';
import { isSystemError, meaningOf } from '../base/systemErrors.ts';
import {
  type CheckpointRecord,
  DamagedError,
  openStore,
  openToRead,
  recoverStore,
  type Run,
  type RunPatch,
  type Store,
} from './store/index.ts';
import { requireFile } from './givenPaths.ts';
import { keepDriverMemory } from './driverMemory.ts';
import { canWrite, datasetsDir, runDir } from './home.ts';
import { type Preparation, prepareApart, threadsBeside } from './prepare.ts';
import { datasetsOf, noData, requireData, requireTokens } from './run/data.ts';
import { Jobs } from './jobs/jobs.ts';
import { Planner } from './planning/planner.ts';
import { forkEngine, type SpawnEngine } from './run/engine.ts';
import { RestedError, RunHandle } from './run/handle.ts';
import { fileKey, hellaswagOf, recordHellaswag, storedScores } from './run/hellaswag.ts';
import { copyInitialWeights, initialWeightsOf, requireParent } from './run/initial.ts';
import { holdersOf } from './run/holders.ts';
import type { RunMemory } from './run/machine.ts';
import { memoryAt } from './run/memory.ts';
import { runJob } from './run/job.ts';
import { movedNotice } from './run/moved.ts';
import { stageFiles } from './run/staged.ts';
import { type TimeReport, validationWindowsOf } from './time/estimate.ts';
import { measureSteps } from './time/measure.ts';
import { requireTrainable, requireTrainableApart } from './run/trainable.ts';
import { recordPhases } from './run/record.ts';
import { Ticker } from './ticker.ts';
import { askForPhases, type Patience, type RunOrder, type RunRequest, RunRequests, sendOrder } from './run/requests.ts';

export type EvaluationProgress =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly valLoss: number; readonly tokens: number; readonly bytes: number };

export type HellaswagProgress =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly acc?: number }
  | { readonly kind: 'done'; readonly result: HellaswagResult };

/** A run that goes on from a checkpoint. */
export interface Resumed {
  readonly handle: RunHandle;
  readonly step: number;
  /** Damaged ones, which are passed over. */
  readonly refused: readonly RefusedCheckpoint[];
  /** What is told where it goes on with another device. */
  readonly notice: string | null;
}

/** How a run's engine starts. */
interface Start {
  readonly start: Extract<ToEngine, { readonly type: 'start' }>;
  /** Of its machine, at the checkpoint that it goes on from. */
  readonly memory: Partial<RunMemory>;
}

const warn = (line: string): void => console.error(`trainyard: ${line}`);

/** Runs and what is known of them: the one place that starts engines and writes the store. */
export class Studio {
  readonly home: string;
  readonly store: Store;
  /** What answers whether something fits. */
  readonly planner = new Planner();
  /** Work that takes longer than a moment. */
  readonly jobs: Jobs;
  /** Tells that something has changed. */
  readonly ticker: Ticker;
  /** Runs whose checkpoints are being looked at: this process must not start them twice either. */
  readonly #launching = new Set<string>();
  /** Of the runs that train in this process. */
  readonly #handles = new Map<string, RunHandle>();
  /** What was found out of runs that were made here and not started yet. */
  readonly #admissions = new Map<string, Admission>();
  readonly #requests: RunRequests;
  readonly #spawn: SpawnEngine;

  private constructor(home: string, store: Store, spawn: SpawnEngine) {
    this.home = home;
    this.store = store;
    this.#spawn = spawn;
    this.#requests = new RunRequests(store);
    this.ticker = new Ticker(() => (store.isOpen ? store.version() : ''));
    this.jobs = new Jobs(this);
  }

  /**
   * Opens the studio's home; runs whose process is gone are marked interrupted.
   * @param spawn how engine processes are started
   * @param report is given what was wrong with the database, and what came of it
   */
  static open(home: string, spawn: SpawnEngine = forkEngine, report: (line: string) => void = warn): Studio {
    const dir = path.resolve(home);
    lookForTokenizersIn(tokenizersDir(dir));
    let store = openStore(dir, { report });
    try {
      store.markInterrupted();
    } catch (error) {
      store.close();
      if (!(error instanceof DamagedError)) throw error;
      recoverStore(dir).forEach(report);
      store = openStore(dir, { report });
      store.markInterrupted();
    }
    return new Studio(dir, store, spawn);
  }

  /** Opens a studio to read: as `open` does where the home can be written, else on a copy of its database. */
  static look(home: string, spawn: SpawnEngine = forkEngine, report: (line: string) => void = warn): Studio {
    const dir = path.resolve(home);
    return canWrite(dir) ? Studio.open(dir, spawn, report) : new Studio(dir, openToRead(dir, report), spawn);
  }

  /**
   * Stores a new run; nothing is trained yet.
   * @throws UserError when its data is missing or too little, or its device can't train it: nothing is made then
   */
  createRun(config: RunConfig, name: string, preset: string | null = null): Run {
    const checked = parseRunConfig(config);
    const admission = requireTrainable(this.home, checked, holdersOf(this.store, checked.device));
    return this.#createAdmitted(checked, name, preset, admission);
  }

  /** The same where windows are served: what is planned holds nobody else up. */
  async createRunApart(config: RunConfig, name: string, preset: string | null = null): Promise<Run> {
    const checked = parseRunConfig(config);
    const holders = holdersOf(this.store, checked.device);
    const admission = await requireTrainableApart(this.planner, this.home, checked, holders);
    return this.#createAdmitted(checked, name, preset, admission);
  }

  /**
   * Stores a new run that trains when its turn comes; whether its device has the memory for it is looked at then.
   * @throws UserError when its data is missing or too little: nothing is made then
   */
  queueRun(config: RunConfig, name: string, preset: string | null = null): Run {
    const run = this.#createAdmitted(parseRunConfig(config), name, preset);
    this.store.setRunState(run.id, 'queued');
    this.store.releaseRun(run.id);
    this.jobs.submit('train', { id: run.id }, true);
    return this.store.getRun(run.id);
  }

  /** Puts a run at rest into the queue. @throws UserError when it trains, or is queued already */
  enqueue(run: Run, others: { device?: DeviceChoice; lowBitStates?: LowBitStates } = {}): void {
    this.#requireRest(run.id);
    if (this.store.getRun(run.id).state === 'queued') throw new UserError(`The run ${run.name} is queued already.`);
    this.store.setRunState(run.id, 'queued');
    this.jobs.submit('train', { id: run.id, ...others }, true);
  }

  #createAdmitted(checked: RunConfig, name: string, preset: string | null, admission?: Admission): Run {
    this.store.requireInPlace();
    requireData(this.home, checked);
    const stepsTotal = totalSteps(schedule(checked));
    const parent = checked.init ? this.store.getRun(checked.init.run) : undefined;
    const weights = parent ? this.checkpointOf(parent, checked.init!.step).path : undefined;
    if (parent) requireParent(checked, this.configOf(parent));
    const staged = weights === undefined ? undefined : stageFiles(this.home);
    try {
      if (weights !== undefined) copyInitialWeights(staged!.dir, weights);
      return this.store.atomically(() => {
        const run = this.store.createRun({
          name,
          preset,
          config: checked,
          device: checked.device.kind,
          stepsTotal,
          tokensTotal: stepsTotal * checked.tokensPerStep,
        });
        if (parent) this.store.addEvent(run.id, 0, 'info', 'begun', startedFrom(parent, checked));
        staged?.publish(run.id);
        if (admission) this.#admissions.set(run.id, admission);
        return run;
      });
    } catch (error) {
      staged?.remove();
      throw error;
    }
  }

  /** How many phases a run has begun. Of one that trains they are known sooner than its steps. */
  startedPhases(run: Run): number {
    const trained = startedPhases(this.configOf(run), run.step).length;
    const isActive = run.state === 'training' || run.state === 'preparing';
    return isActive ? Math.max(trained, ...this.store.listPhases(run.id).map((p) => p.index + 1)) : trained;
  }

  /**
   * Changes the phases that a run has not begun, whether it rests, trains here, or trains in another process.
   * @throws UserError when the phases make no sense or can't be trained: nothing is changed then
   */
  async changePhases(run: Run, change: PhaseChange, patience?: Patience): Promise<Run> {
    const { id } = run;
    if (!(await this.#changeInTraining(id, change, patience))) this.#changeAtRest(id, change);
    return this.store.getRun(id);
  }

  /** @returns whether the phases were changed: not when the run rests, or came to rest before */
  async #changeInTraining(id: string, change: PhaseChange, patience?: Patience): Promise<boolean> {
    const handle = this.#handles.get(id);
    if (!handle) return this.isElsewhere(this.store.getRun(id)) && askForPhases(this.store, id, change, patience);
    try {
      await handle.changePhases(change, this.#dirsOf(change));
      return true;
    } catch (error) {
      if (error instanceof RestedError) return false;
      throw error;
    }
  }

  #changeAtRest(id: string, change: PhaseChange): void {
    this.#requireRest(id);
    // Nobody may begin to train it with the phases that it had.
    this.store.claimRun(id);
    try {
      const run = this.store.getRun(id);
      const config = withChangedPhases(this.configOf(run), run.step, change);
      requireData(this.home, config, run.step);
      recordPhases(this.store, id, config, run.step);
    } finally {
      this.store.releaseRun(id);
    }
  }

  /**
   * Tells a run that trains what to do, here or in another process.
   * @throws UserError when it does not train, or the other process does not answer
   */
  async sendOrder(run: Run, order: RunOrder, patience?: Patience): Promise<void> {
    const handle = this.#handles.get(run.id);
    if (handle) return handle.sendOrder(order);
    if (run.state === 'queued' && (order === 'pause' || order === 'stop')) {
      this.jobs.dropRun(run.id);
      return;
    }
    if (this.isElsewhere(run)) return sendOrder(this.store, run.id, order, patience);
    throw new UserError(`The run ${run.name} is ${shownState(run.state)}.`);
  }

  /** The run's handle, where it trains in this process. */
  handleOf(id: string): RunHandle | undefined {
    return this.#handles.get(id);
  }

  /** What a run does: where it trains here, the state of its machine. */
  doing(run: Run): string {
    return this.#handles.get(run.id)?.state ?? run.state;
  }

  /** Whether any run trains in this process. */
  get isTraining(): boolean {
    return this.trainingCount > 0;
  }

  /** How many runs train in this process. */
  get trainingCount(): number {
    return this.#handles.size;
  }

  /** Whether a run trains in another process. */
  isElsewhere(run: Run): boolean {
    const isActive = run.state === 'training' || run.state === 'preparing';
    return isActive && !this.#handles.has(run.id) && !this.#launching.has(run.id) && !this.store.isOwn(run.id);
  }

  /** Changes what people call a run, and whether it is put away. @throws UserError when it trains and is to be put away */
  editRun(run: Run, patch: Pick<RunPatch, 'name' | 'tags' | 'notes' | 'archived'>): void {
    if (patch.archived) {
      this.#requireRest(run.id);
      this.jobs.dropRun(run.id);
    }
    this.store.updateRun(run.id, patch);
  }

  /**
   * Deletes an archived run: what is stored of it, and its checkpoints.
   * @throws UserError when it is not archived, or trains
   */
  async removeRun(run: Run): Promise<void> {
    this.#requireRest(run.id);
    if (!run.archived) throw new UserError(`The run ${run.name} is not archived: archive it first, then delete it.`);
    this.jobs.dropRun(run.id);
    await this.#atRest(run.id, async () => {
      this.store.deleteRun(run.id, true);
      await fs.promises.rm(runDir(this.home, run.id), { recursive: true, force: true });
    });
  }

  /** Deletes a checkpoint of a run at rest. @throws UserError when the run trains, or there is no such checkpoint */
  async removeCheckpoint(run: Run, step: number): Promise<void> {
    await this.#atRest(run.id, async () => {
      const checkpoint = this.checkpointOf(run, step);
      await fs.promises.rm(checkpoint.path, { recursive: true, force: true });
      this.store.removeCheckpoint(run.id, step);
    });
  }

  /** Keeps a checkpoint when newer ones come, or no longer. @throws UserError when there is no such checkpoint */
  async keepCheckpoint(run: Run, step: number, kept: boolean): Promise<void> {
    await setKept(this.checkpointOf(run, step).path, kept);
    this.store.keepCheckpoint(run.id, step, kept);
  }

  /** @throws UserError when there is no such checkpoint */
  checkpointOf(run: Run, step: number): CheckpointRecord {
    const found = this.store.listCheckpoints(run.id).find((c) => c.step === step);
    if (!found) throw new UserError(`The run ${run.name} has no checkpoint of step ${step}.`);
    return found;
  }

  /**
   * A run's config for a job with its weights, and where it works: on the run's device where that can be used, else on what
   * can.
   * @throws UserError when the device that is asked for can't be used
   */
  forJob(run: Run, asked?: DeviceChoice): { config: RunConfig; place: JobPlace } {
    const own = this.configOf(run);
    const config = { ...own, device: deviceForJob(own.device, asked) };
    return { config, place: { findings: this.home, heldBy: holdersOf(this.store, config.device) } };
  }

  /**
   * Continues a prompt with a checkpoint's weights, in a process of its own.
   * @param device to work on, where it is not the run's
   * @yields pieces of text, and notices
   */
  async *generate(
    run: Run,
    step: number,
    prompt: string,
    sampling: WritingOptions,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<Written> {
    const checkpoint = this.checkpointOf(run, step).path;
    const job = { type: 'generate', ...this.forJob(run, device), checkpoint, prompt, sampling } as const;
    for await (const message of runJob(job, this.#spawn, signal))
      if (message.type === 'text' || message.type === 'notice') yield { kind: message.type, text: message.text };
  }

  /**
   * The validation loss of a checkpoint, in a process of its own; it is stored.
   * @param dataset whose validation split is taken, where it is not the run's own
   * @param device to work on, where it is not the run's
   * @yields progress, then the loss
   */
  async *evaluate(
    run: Run,
    step: number,
    sequences: number,
    dataset?: string,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<EvaluationProgress> {
    const { config, place } = this.forJob(run, device);
    const checkpoint = this.checkpointOf(run, step).path;
    const name = dataset ?? config.dataset;
    if (name === noData)
      throw new UserError(
        `The run ${run.name} was imported and has no data of its own: name a dataset to evaluate on.`,
      );
    requireTokens(this.home, name, config);
    const datasetDir = path.join(datasetsDir(this.home), name);
    const job = { type: 'evaluate', config, place, checkpoint, datasetDir, sequences } as const;
    for await (const message of runJob(job, this.#spawn, signal)) {
      if (message.type === 'progress') yield { kind: 'progress', done: message.done, total: message.total };
      if (message.type !== 'result') continue;
      const { value, tokens, bytes } = message;
      this.store.addEval(
        run.id,
        step,
        'validation',
        value,
        { sequences, tokens, bytes },
        measureOf(config, name, sequences),
      );
      yield { kind: 'done', valLoss: value, tokens, bytes };
    }
  }

  /**
   * Evaluates a checkpoint on the first items of a HellaSwag file, in a process of its own. Items that are done are stored
   * as they come, and not taken again.
   * @param device to work on, where it is not the run's
   * @yields progress with the accuracy so far, then the result, which is stored
   */
  async *hellaswag(
    run: Run,
    step: number,
    file: string,
    items: number,
    device?: DeviceChoice,
    signal?: AbortSignal,
  ): AsyncGenerator<HellaswagProgress> {
    const checkpoint = this.checkpointOf(run, step).path;
    await requireFile(file);
    const key = fileKey(file);
    const total = Math.min(items, countItems(file));
    const scores = storedScores(this.store, run.id, step, key).filter((s) => s.index < total);
    const progress = (): HellaswagProgress => {
      return {
        kind: 'progress',
        done: scores.length,
        total,
        ...(scores.length > 1 ? { acc: summarise(scores).acc } : {}),
      };
    };
    yield progress();
    if (scores.length < total) {
      const done = scores.map((s) => s.index);
      const job = { type: 'hellaswag', ...this.forJob(run, device), checkpoint, file, items: total, done } as const;
      for await (const message of runJob(job, this.#spawn, signal)) {
        if (message.type !== 'scores' || message.scores.length === 0) continue;
        recordHellaswag(this.store, run.id, step, message.scores, null, key);
        scores.push(...message.scores);
        yield progress();
      }
    }
    const result = summarise(scores);
    recordHellaswag(this.store, run.id, step, [], result, key);
    yield { kind: 'done', result };
  }

  checkpointRoot(run: Run): string {
    return path.join(runDir(this.home, run.id), 'checkpoints');
  }

  configOf(run: Run): RunConfig {
    return parseStoredConfig(run.config as object);
  }

  /** Starts a run that has not trained yet. @throws UserError when it can't be started: nothing is left of it then */
  start(run: Run): RunHandle {
    try {
      return this.#launch(
        run.id,
        this.#prepareStart(run, this.configOf(run), null, this.#admissions.get(run.id)),
        null,
      );
    } catch (error) {
      this.#forget(run.id);
      throw error;
    } finally {
      this.#admissions.delete(run.id);
    }
  }

  /** Removes a run that could not be started. What fails at that says less than why it could not. */
  #forget(id: string): void {
    try {
      this.store.deleteRun(id, true);
      fs.rmSync(runDir(this.home, id), { recursive: true, force: true });
    } catch (error) {
      console.error(`trainyard: the run ${id}, which was not started, can't be removed: ${messageOf(error)}`);
    }
  }

  /**
   * Goes on with a run from its last whole checkpoint; damaged ones are named in `refused` and passed over.
   * @param device to go on with from here on, where it is not the run's
   * @param lowBit what a low-bit optimizer does beside its paper's formula from here on, where it is not as the run says
   * @throws UserError when the run is running, complete, or has nothing to go on from, or its device can't train it; nothing
   * of it is changed then
   */
  resume(run: Run, device?: DeviceChoice, lowBit?: LowBitStates): Promise<Resumed> {
    return this.#goOn(run.id, device, undefined, lowBit);
  }

  /**
   * Changes the phases that a run has not begun, and goes on with it; one that trains already takes them along.
   * @param device to go on with from here on, where it is not the run's
   * @returns null where it trained already
   * @throws UserError as `changePhases` and `resume` do; neither its phases nor its device are changed then
   */
  async continue(run: Run, change: PhaseChange, device?: DeviceChoice, patience?: Patience): Promise<Resumed | null> {
    this.#requireNotMoved(run.id, device);
    if (await this.#changeInTraining(run.id, change, patience)) return null;
    return this.#goOn(run.id, device, change);
  }

  /**
   * Checks that a device can train a run with other phases, before their data is made. One that trains elsewhere has its
   * device, and looks itself.
   * @throws UserError when the phases make no sense, or the device can't be used or has too little memory
   */
  requireContinuable(run: Run, change: PhaseChange, device?: DeviceChoice): void {
    this.#requireNotMoved(run.id, device);
    if (this.isElsewhere(this.store.getRun(run.id))) return;
    const { step } = this.store.getRun(run.id);
    this.#requireTrainable(run.id, withDevice(withChangedPhases(this.configOf(run), step, change), device), step);
  }

  #requireNotMoved(id: string, device?: DeviceChoice): void {
    const { state } = this.store.getRun(id);
    if (device && (state === 'training' || state === 'preparing'))
      throw new UsageError(`The run ${id} is training: pause it first, then continue it on another device.`);
  }

  #requireTrainable(id: string, config: RunConfig, step: number): void {
    requireTrainable(this.home, config, holdersOf(this.store, config.device, id), step);
  }

  /** Looks at all that may be wrong before anything of the run is changed. */
  async #goOn(id: string, device?: DeviceChoice, change?: PhaseChange, lowBit?: LowBitStates): Promise<Resumed> {
    this.#requireRest(id);
    this.store.requireInPlace();
    // From here on no other process can: two engines would write the same checkpoints.
    this.store.claimRun(id);
    this.#launching.add(id);
    try {
      const run = this.store.getRun(id);
      const own = this.configOf(run);
      const changed = change ? withChangedPhases(own, run.step, change) : own;
      if (change) requireData(this.home, changed, run.step);
      // What is imported counts as trained, whatever phases its config has.
      const stepsTotal = change ? totalSteps(schedule(changed)) : (run.stepsTotal ?? 0);
      const { checkpoint, refused } = await this.#lastCheckpoint(run, stepsTotal);
      const step = checkpoint?.step ?? 0;
      const config = withLowBit(withDevice(changed, device), lowBit);
      const holders = holdersOf(this.store, config.device, id);
      const admission = await requireTrainableApart(this.planner, this.home, config, holders, step);
      const start = this.#prepareStart(run, config, checkpoint, admission);
      const notice = movedNotice(this.store, run, own.device, config.device);
      if (change) recordPhases(this.store, id, changed, run.step);
      const isOther = own.optimizer.lowBitStates !== config.optimizer.lowBitStates;
      if (isOther || !isSameDevice(own.device, config.device))
        this.store.updateRun(id, { config, device: config.device.kind });
      if (notice !== null)
        this.store.addEvent(id, step, 'info', 'device', notice, { from: own.device, to: config.device });
      return { handle: this.#launch(id, start, checkpoint), step, refused, notice };
    } catch (error) {
      this.store.releaseRun(id);
      throw error;
    } finally {
      this.#launching.delete(id);
    }
  }

  #requireRest(id: string): void {
    this.store.markInterrupted();
    const { state, pid } = this.store.getRun(id);
    const active = state === 'training' || state === 'preparing' || this.#launching.has(id);
    if (active) throw new UserError(`The run ${id} is training now (process ${pid}): stop it there first.`);
  }

  /** Does something with a run at rest that no other process may begin to train meanwhile. @throws UserError when one does */
  async #atRest<T>(id: string, work: () => T | Promise<T>): Promise<T> {
    this.#requireRest(id);
    this.store.claimRun(id);
    this.#launching.add(id);
    try {
      return await work();
    } finally {
      this.#launching.delete(id);
      // Unless it is deleted.
      if (this.store.hasRun(id)) this.store.releaseRun(id);
    }
  }

  /** @param stepsTotal that the run is to train in all */
  async #lastCheckpoint(run: Run, stepsTotal: number): Promise<LatestCheckpoint> {
    const root = this.checkpointRoot(run);
    if (fs.existsSync(root)) requireWritable(root);
    await cleanPartials(root);
    const latest = await latestValid(root);
    const { checkpoint, refused } = latest;
    if (checkpoint === null && refused.length > 0) {
      const reasons = refused.map((r) => r.reason).join('; ');
      throw new UserError(`No checkpoint of ${run.id} is whole, so it can't be resumed: ${reasons}.`);
    }
    const recorded = this.store.listCheckpoints(run.id).at(-1);
    if (checkpoint === null && recorded) {
      throw new UserError(
        `The checkpoints of ${run.id} are missing from ${root} (the latest was at step ${recorded.step}): put them back to resume, or restart.`,
      );
    }
    if (checkpoint) this.#recordCheckpoints(run, checkpoint);
    if (checkpoint && checkpoint.step >= stepsTotal) {
      this.#complete(run, checkpoint.step);
      throw new UserError(`The run ${run.id} is already finished (step ${checkpoint.step}).`);
    }
    return latest;
  }

  /** Makes the record agree with the disk: a killed process may have written or removed what it could not tell. */
  #recordCheckpoints(run: Run, { step, dir, bytes, state }: OpenedCheckpoint): void {
    const recorded = this.store.listCheckpoints(run.id);
    const onDisk = (known: number) => fs.existsSync(path.join(this.checkpointRoot(run), checkpointName(known)));
    for (const known of recorded) if (!onDisk(known.step)) this.store.removeCheckpoint(run.id, known.step);
    if (recorded.some((known) => known.step === step && known.path === dir)) return;
    const { bestStep } = readTrainerState(state);
    this.store.addCheckpoint(run.id, { step, path: dir, bytes, best: bestStep === step });
  }

  /** A run that was killed after its last checkpoint has all it wanted. */
  #complete({ id, state }: Run, step: number): void {
    if (state === 'completed') return;
    const message = `finished after ${plural(step, 'step')}`;
    this.store.setRunState(id, 'completed', message);
    this.store.addEvent(id, step, 'info', 'completed', message);
  }

  /** What a run's engine is told, and its machine remembers. @throws UserError when something of it is not there */
  #prepareStart(
    run: Run,
    config: RunConfig,
    from: { step: number; dir: string } | null,
    admission: Admission | undefined,
  ): Start {
    this.store.requireInPlace();
    requireWritable(this.checkpointRoot(run));
    const recorded = this.store.listCheckpoints(run.id).find((c) => c.step === from?.step);
    const start = {
      type: 'start',
      config,
      ...(admission ? { admission } : {}),
      datasetDirs: this.#dirs(datasetsOf(config)),
      checkpointRoot: this.checkpointRoot(run),
      findings: this.home,
      heldBy: holdersOf(this.store, config.device, run.id),
      ...hellaswagOf(this.home, config),
      ...initialWeightsOf(this.home, run.id, config, from === null),
      ...(from ? { resumeFrom: from.dir } : {}),
    } as const;
    return { start, memory: from ? memoryAt(recorded?.machine ?? null, config, from.step) : {} };
  }

  #launch(id: string, { start, memory }: Start, from: { readonly step: number } | null): RunHandle {
    this.store.truncateAfter(id, from?.step ?? -1);
    const run = this.store.getRun(id);
    const handle = new RunHandle(this.store, run, start, memory, this.#spawn);
    this.#handles.set(run.id, handle);
    void handle.ended.finally(() => this.#handles.delete(run.id));
    this.jobs.recordTraining(id, handle.ended, () => handle.pause());
    handle.onChange(() => this.ticker.poke());
    handle.onEvent((event) => {
      if (event.type !== 'started') return;
      // Devices call themselves by their kind and their name. A driver's context is a GPU's.
      const [, name] = /^\w+: (.+)$/.exec(event.device) ?? [];
      const { overheadBytes, contextBytes } = event.memory;
      if (name !== undefined && contextBytes !== undefined)
        keepDriverMemory(this.home, name, overheadBytes, contextBytes);
    });
    this.#requests.watch(run.id, (request) => this.#obey(handle, request), handle.ended);
    return handle;
  }

  async #obey(handle: RunHandle, request: RunRequest): Promise<void> {
    if ('change' in request) await handle.changePhases(request.change, this.#dirsOf(request.change));
    else handle.sendOrder(request.order);
  }

  #dirs(names: readonly string[]): DatasetDirs {
    return Object.fromEntries(names.map((name) => [name, path.join(datasetsDir(this.home), name)]));
  }

  #dirsOf({ later, add }: PhaseChange): DatasetDirs {
    return this.#dirs(namedDatasets([...(later ?? []), ...add]));
  }

  /** Prepares data in a process of its own, which gives way to runs. @throws UserError when it can't be prepared */
  prepare(options: Omit<PrepareJob['options'], 'home' | 'threads'>, signal?: AbortSignal): AsyncGenerator<Preparation> {
    this.store.requireInPlace();
    const threads = threadsBeside(this.isTraining);
    return prepareApart({ ...options, home: this.home, threads }, this.#spawn, signal);
  }

  /** How long a run would take, here and on another GPU: see `timeSteps`. */
  async time(config: RunConfig, gpu?: Gpu, signal?: AbortSignal): Promise<TimeReport> {
    await this.knowSpeed(config.device.kind, signal);
    const asked = { config, home: this.home, gpu, windows: validationWindowsOf(this.home, config) };
    return this.planner.ask('time', asked, signal);
  }

  /** Has what is measured once of a kind of devices: the first time it takes a second. Beside a run it would be wrong. */
  async knowSpeed(kind: RunDevice, signal?: AbortSignal): Promise<void> {
    const isToMeasure = kindOf(kind).unmeasured?.(this.home) !== undefined && !this.isTraining;
    if (isToMeasure) await this.planner.ask('measure', { findings: this.home }, signal);
  }

  /** Times a few steps of a run on its device, and keeps what was found. @throws UserError see `measureSteps` */
  measure(config: RunConfig, signal?: AbortSignal): Promise<void> {
    if (this.store.listRuns({ state: ['training', 'preparing'] }).length > 0)
      throw new UserError(
        'A run trains now: steps beside it take longer than they will. They are timed when it rests.',
      );
    return measureSteps(this.home, config, this.#spawn, signal);
  }

  /** Pauses all that trains here, waits until it is saved, and closes. */
  async shutdown(): Promise<void> {
    const handles = [...this.#handles.values()];
    for (const handle of handles) handle.pause();
    await Promise.all([this.jobs.shutdown(), ...handles.map((handle) => handle.ended)]);
    this.close();
  }

  close(): void {
    this.ticker.close();
    this.planner.close();
    this.store.close();
  }
}

/**
 * What tells validation losses apart that are other measures: of other data, or over another number of sequences. They do
 * not decide which checkpoint is the best.
 */
function measureOf(config: RunConfig, dataset: string, sequences: number): string {
  const isDefault = sequences === config.evaluation.sequences;
  if (dataset === config.dataset) return isDefault ? '' : plural(sequences, 'sequence');
  return `${plural(sequences, 'sequence')} of ${dataset}`;
}

/** What a run's weights were when it began. */
function startedFrom({ id, name, config }: Run, { init, model }: RunConfig): string {
  const { contextLength } = (config as RunConfig).model;
  const longer = model.contextLength > contextLength;
  const positions = longer ? `; ${contextLength} positions became ${model.contextLength} (${init?.positions})` : '';
  return `initialized from ${name} (${id}), step ${init!.step}${positions}`;
}

const withDevice = (config: RunConfig, device?: DeviceChoice): RunConfig =>
  device ? { ...config, device: onDevice(config.device, device) } : config;

const withLowBit = (config: RunConfig, lowBitStates?: LowBitStates): RunConfig =>
  lowBitStates ? { ...config, optimizer: { ...config.optimizer, lowBitStates } } : config;

/** Told before hours of training, not at the first checkpoint. */
function requireWritable(root: string): void {
  try {
    fs.mkdirSync(root, { recursive: true });
    fs.accessSync(root, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const taken = error.code === 'EEXIST' || error.code === 'ENOTDIR';
    throw new UserError(
      `Checkpoints can't be written to ${root}: ${taken ? 'a file is where the folder should be' : meaningOf(error)}; allow writing there, or choose another data folder with --home.`,
    );
  }
}

/** @throws UserError when the file is no HellaSwag file: before a process is started for it */
const countItems = (file: string): number => parseItems(readTextFile(file), file).length;
