/** Training: the one place that starts the engines of runs and steers them. */
import fs from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { formatCount } from '../base/format.ts';
import { earlyMessage, shownState } from '../base/states.ts';
import { failureOf, messageOf, UsageError, UserError } from '../base/errors.ts';
import { defectMessage, logDefect } from '../base/log.ts';
import type { RefusedCheckpoint } from '../engine/checkpoint/index.ts';
import { type DeviceChoice, isSameDevice, onDevice } from '../engine/devices/choose.ts';
import type { LowBitStates } from '../engine/optimizers/index.ts';
import type { ToEngine } from '../engine/process/messages.ts';
import type { Admission } from '../engine/run/admission.ts';
import type { RunConfig } from '../engine/run/config.ts';
import type { DatasetDirs } from '../engine/run/data.ts';
import type { PhaseChange } from '../engine/run/phaseChange.ts';
import { namedDatasets, schedule, totalSteps } from '../engine/run/schedule.ts';
import { keepDriverMemory } from './driverMemory.ts';
import { runDir } from './home.ts';
import { datasetsOf, requireData } from './run/data.ts';
import { endMessage, finishMessage, requireGoesOn, requireStoppedEarly, withPhasesAtRest } from './run/early.ts';
import { RestedError, RunHandle } from './run/handle.ts';
import { hellaswagOf } from './run/hellaswag.ts';
import { holdersOf } from './run/holders.ts';
import { initialWeightsOf } from './run/initial.ts';
import type { RunMemory } from './run/machine.ts';
import { memoryAt } from './run/memory.ts';
import { movedNotice } from './run/moved.ts';
import { recordPhases } from './run/record.ts';
import { askForPhases, type Patience, type RunOrder, type RunRequest, RunRequests, sendOrder } from './run/requests.ts';
import { requireTrainable, requireTrainableApart } from './run/trainable.ts';
import { hear, markInterrupted } from './run/unheard.ts';
import { requireWritable } from './run/writable.ts';
import type { Run } from './store/index.ts';
import { keepPromise } from './time/promise.ts';
import type { Studio } from './studio.ts';

/** How often it is looked whether an engine without a studio has saved its run. */
const lookEveryMs = 250;

/** A run that goes on from a checkpoint. */
export interface Resumed {
  readonly handle: RunHandle;
  readonly step: number;
  /** Damaged ones, which are passed over. */
  readonly refused: readonly RefusedCheckpoint[];
  /** What is told where it goes on with another device. */
  readonly notice: string | null;
}

/** How a run at rest goes on: by default with its own phases on its own device. */
interface GoingOn {
  readonly device?: DeviceChoice | undefined;
  readonly change?: PhaseChange | undefined;
  readonly lowBit?: LowBitStates | undefined;
  /** With what stopping it early has left out. */
  readonly finish?: boolean;
}

/** How a run's engine starts. */
interface Start {
  readonly start: Extract<ToEngine, { readonly type: 'start' }>;
  /** Of its machine, at the checkpoint that it goes on from. */
  readonly memory: Partial<RunMemory>;
}

/** Runs as they train: in this process by an engine of their own, or in another one, which is asked through the store. */
export class Training {
  readonly #studio: Studio;
  /** Runs whose checkpoints are being looked at: this process must not start them twice either. */
  readonly #launching = new Set<string>();
  /** Of the runs that train in this process. */
  readonly #handles = new Map<string, RunHandle>();
  readonly #requests: RunRequests;

  constructor(studio: Studio) {
    this.#studio = studio;
    this.#requests = new RunRequests(studio.store);
  }

  /** Starts a run that has not trained yet. @throws UserError when it can't be started: nothing is left of it then */
  start(run: Run): RunHandle {
    try {
      return this.#launch(
        run.id,
        this.#prepareStart(run, this.#studio.runs.configOf(run), null, this.#studio.runs.takeAdmission(run.id)),
        null,
      );
    } catch (error) {
      this.#studio.jobs.forgetTraining(run.id);
      this.#forget(run.id);
      throw error;
    }
  }

  /** Removes a run that could not be started. What fails at that says less than why it could not. */
  #forget(id: string): void {
    try {
      this.#studio.store.runs.delete(id, true);
      fs.rmSync(runDir(this.#studio.home, id), { recursive: true, force: true });
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
    return this.#goOn(run.id, { device, lowBit });
  }

  /**
   * Goes on with a run that was stopped early, with what was left of its phases: to the same bit as if it had been paused.
   * @param device to go on with from here on, where it is not the run's
   * @throws UserError when it was not stopped early, and as `resume` does
   */
  finish(run: Run, device?: DeviceChoice): Promise<Resumed> {
    return this.#goOn(run.id, { device, finish: true });
  }

  /**
   * Changes the phases that a run has not begun, and goes on with it; one that trains already takes them along. One that was
   * stopped early goes on from there: what was left of its phases is dropped.
   * @param device to go on with from here on, where it is not the run's
   * @returns null where it trained already
   * @throws UserError as `changePhases` and `resume` do; neither its phases nor its device are changed then
   */
  async continue(run: Run, change: PhaseChange, device?: DeviceChoice, patience?: Patience): Promise<Resumed | null> {
    this.#requireNotMoved(run.id, device);
    if (await this.#changeInTraining(run.id, change, patience)) return null;
    return this.#goOn(run.id, { device, change });
  }

  /**
   * Checks that a device can train a run with other phases, before their data is made. One that trains elsewhere has its
   * device, and looks itself.
   * @throws UserError when the phases make no sense, or the device can't be used or has too little memory
   */
  requireContinuable(run: Run, change: PhaseChange, device?: DeviceChoice): void {
    this.#requireNotMoved(run.id, device);
    if (this.isElsewhere(this.#studio.store.runs.get(run.id))) return;
    const now = this.#studio.store.runs.get(run.id);
    const config = withPhasesAtRest(now, this.#studio.runs.configOf(now), change);
    this.#requireTrainable(run.id, withDevice(config, device), now.step);
  }

  #requireNotMoved(id: string, device?: DeviceChoice): void {
    const { state } = this.#studio.store.runs.get(id);
    if (device && (state === 'training' || state === 'preparing'))
      throw new UsageError(`The run ${id} is training: pause it first, then continue it on another device.`);
  }

  #requireTrainable(id: string, config: RunConfig, step: number): void {
    requireTrainable(this.#studio.home, config, holdersOf(this.#studio.store, config.device, id), step);
  }

  /** Looks at all that may be wrong before anything of the run is changed. */
  async #goOn(id: string, { device, change, lowBit, finish = false }: GoingOn): Promise<Resumed> {
    await this.#saved(id);
    this.requireRest(id);
    this.#studio.store.requireInPlace();
    // From here on no other process can: two engines would write the same checkpoints.
    this.#studio.store.claims.take(id);
    this.#launching.add(id);
    try {
      hear(this.#studio.store, id);
      const run = this.#studio.store.runs.get(id);
      if (finish) requireStoppedEarly(run);
      else if (!change) requireGoesOn(run);
      const own = this.#studio.runs.configOf(run);
      const changed = change ? withPhasesAtRest(run, own, change) : own;
      if (change) requireData(this.#studio.home, changed, run.step);
      // What is imported counts as trained, whatever phases its config has.
      const stepsTotal = change ? totalSteps(schedule(changed)) : (run.stepsTotal ?? 0);
      const { checkpoint, refused } = await this.#studio.checkpoints.last(run, stepsTotal);
      const step = checkpoint?.step ?? 0;
      const config = withLowBit(withDevice(changed, device), lowBit);
      const holders = holdersOf(this.#studio.store, config.device, id);
      const admission = await requireTrainableApart(this.#studio.planner, this.#studio.home, config, holders, step);
      const start = this.#prepareStart(run, config, checkpoint, admission);
      const notice = movedNotice(this.#studio.store, run, own.device, config.device);
      // Who adds phases wants it to go on.
      if ((change || finish) && run.stopAt !== null) this.#studio.store.runs.update(id, { stopAt: null });
      else if (run.stopAt !== null) this.#keepStop(run, run.stopAt, step);
      if (change) recordPhases(this.#studio.store, id, changed, run.step, endMessage(run, own));
      if (finish) this.#studio.store.events.add(id, step, 'info', 'continued', finishMessage(run, stepsTotal));
      const isOther = own.optimizer.lowBitStates !== config.optimizer.lowBitStates;
      if (isOther || !isSameDevice(own.device, config.device))
        this.#studio.store.runs.update(id, { config, device: config.device.kind });
      if (notice !== null)
        this.#studio.store.events.add(id, step, 'info', 'device', notice, { from: own.device, to: config.device });
      return { handle: this.#launch(id, start, checkpoint), step, refused, notice };
    } catch (error) {
      this.#studio.store.claims.release(id);
      throw error;
    } finally {
      this.#launching.delete(id);
    }
  }

  /** Settles when no engine saves a run any more whose studio is gone. */
  async #saved(id: string): Promise<void> {
    while (this.#studio.store.claims.isOrphaned(id)) await setTimeout(lookEveryMs);
  }

  /** Notes where a run ends that was stopped and lost its process: where it has been, which its last checkpoint is behind. */
  #keepStop({ id, step: reached }: Run, asked: number, step: number): void {
    const stopAt = Math.max(asked, reached);
    this.#studio.store.runs.update(id, { stopAt });
    const message = `it was stopped before its process was lost: it ends at step ${formatCount(stopAt)}`;
    this.#studio.store.events.add(id, step, 'info', 'stopped', message);
  }

  /**
   * A run whose turn has come and that can't be started has failed and says why: nobody waits for it any more. One that a
   * process has meanwhile is that process's.
   * @returns what is told of it
   */
  async refuseQueued(id: string, error: unknown): Promise<UserError> {
    const { home, store } = this.#studio;
    const refusal =
      error instanceof UserError
        ? error
        : new UserError(defectMessage(error, logDefect(home, `start of ${id}`, error)), { cause: error });
    if (!store.runs.has(id) || store.runs.get(id).state !== 'queued') return refusal;
    const cause = failureOf(error);
    const fail = (): void => {
      if (store.runs.get(id).state !== 'queued') return;
      store.runs.setState(id, 'failed', messageOf(refusal));
      store.events.add(id, null, 'error', 'failed', messageOf(refusal), cause && { cause });
    };
    await this.atRest(id, fail).catch(() => {});
    return refusal;
  }

  /** @throws UserError when a run trains, here or in another process */
  requireRest(id: string): void {
    markInterrupted(this.#studio.store);
    const { state, pid } = this.#studio.store.runs.get(id);
    const active = state === 'training' || state === 'preparing' || this.#launching.has(id);
    if (active) throw new UserError(`The run ${id} is training now (process ${pid}): pause it there first.`);
  }

  /** Does something with a run at rest that no other process may begin to train meanwhile. @throws UserError when one does */
  async atRest<T>(id: string, work: () => T | Promise<T>): Promise<T> {
    this.requireRest(id);
    this.#studio.store.claims.take(id);
    this.#launching.add(id);
    try {
      return await work();
    } finally {
      this.#launching.delete(id);
      // Unless it is deleted.
      if (this.#studio.store.runs.has(id)) this.#studio.store.claims.release(id);
    }
  }

  /**
   * Changes the phases that a run has not begun, whether it rests, trains here, or trains in another process.
   * @throws UserError when the phases make no sense or can't be trained: nothing is changed then
   */
  async changePhases(run: Run, change: PhaseChange, patience?: Patience): Promise<Run> {
    const { id } = run;
    if (!(await this.#changeInTraining(id, change, patience))) this.#changeAtRest(id, change);
    return this.#studio.store.runs.get(id);
  }

  /** @returns whether the phases were changed: not when the run rests, or came to rest before */
  async #changeInTraining(id: string, change: PhaseChange, patience?: Patience): Promise<boolean> {
    const handle = this.#handles.get(id);
    if (!handle)
      return (
        this.isElsewhere(this.#studio.store.runs.get(id)) && askForPhases(this.#studio.store, id, change, patience)
      );
    try {
      await handle.changePhases(change, this.#dirsOf(change));
      return true;
    } catch (error) {
      if (error instanceof RestedError) return false;
      throw error;
    }
  }

  #changeAtRest(id: string, change: PhaseChange): void {
    const { store } = this.#studio;
    this.requireRest(id);
    // Nobody may begin to train it with the phases that it had.
    this.#studio.store.claims.take(id);
    try {
      const run = this.#studio.store.runs.get(id);
      const own = this.#studio.runs.configOf(run);
      const config = withPhasesAtRest(run, own, change);
      requireData(this.#studio.home, config, run.step);
      store.atomically(() => {
        recordPhases(store, id, config, run.step, endMessage(run, own));
        // It was complete as it was, and is not any more.
        if (run.stoppedEarly && totalSteps(schedule(config)) > run.step) store.runs.setState(id, 'paused', hasMore);
      });
    } finally {
      this.#studio.store.claims.release(id);
    }
  }

  /**
   * Tells a run that trains what to do, here or in another process. One that waits in the queue leaves it; what is stopped
   * that does not train is complete as it is.
   * @throws UserError when it can't be told that now, or the other process does not answer
   */
  async sendOrder(run: Run, order: RunOrder, patience?: Patience): Promise<void> {
    const handle = this.#handles.get(run.id);
    if (handle) return handle.sendOrder(order);
    const { store, jobs } = this.#studio;
    if (this.isElsewhere(run)) {
      const how = await sendOrder(store, run.id, order, patience);
      // It came to rest before it was told.
      if (how === 'rested' && order === 'stop' && store.runs.get(run.id).state !== 'completed')
        await this.sendOrder(store.runs.get(run.id), order, patience);
      return;
    }
    if (order === 'pause' && run.state === 'queued') {
      jobs.pauseRun(run.id);
      return;
    }
    if (order === 'stop' && (run.state === 'queued' || run.state === 'paused')) return this.#stopAtRest(run.id);
    throw new UserError(`The run ${run.name} is ${shownState(run.state)}.`);
  }

  /** Makes a run that waits complete as it was saved; one that was never trained just leaves the queue. */
  #stopAtRest(id: string): Promise<void> {
    return this.atRest(id, () => {
      const { store, jobs } = this.#studio;
      const { name, state, step, stepsTotal } = store.runs.get(id);
      const last = store.checkpoints.list(id).at(-1);
      if (state === 'queued') jobs.dropRun(id);
      if (!last && state === 'queued') return;
      if (!last) throw new UserError(`The run ${name} has no checkpoint to end with: resume it, or archive it.`);
      const behind = last.step < step ? `; the latest checkpoint is at step ${formatCount(last.step)}` : '';
      const message = earlyMessage(step, stepsTotal ?? step) + behind;
      store.runs.setState(id, 'completed', message, true);
      store.events.add(id, step, 'info', 'completed', message);
    });
  }

  /** The run's handle, where it trains in this process. */
  handleOf(id: string): RunHandle | undefined {
    return this.#handles.get(id);
  }

  /** What a run does: where it trains here, the state of its machine. */
  doing(run: Run): string {
    const handle = this.#handles.get(run.id);
    if (handle) return handle.state;
    if (this.#launching.has(run.id) && run.state === 'interrupted') return 'preparing';
    return this.isElsewhere(run) && this.#studio.store.claims.isOrphaned(run.id) ? 'pausing' : run.state;
  }

  /** Whether any run trains in this process. */
  get isActive(): boolean {
    return this.count > 0;
  }

  /** How many runs train in this process. */
  get count(): number {
    return this.#handles.size;
  }

  /** Whether a run trains in another process. */
  isElsewhere(run: Run): boolean {
    const isActive = run.state === 'training' || run.state === 'preparing';
    return (
      isActive && !this.#handles.has(run.id) && !this.#launching.has(run.id) && !this.#studio.store.claims.isOwn(run.id)
    );
  }

  /** What a run's engine is told, and its machine remembers. @throws UserError when something of it is not there */
  #prepareStart(
    run: Run,
    config: RunConfig,
    from: { step: number; dir: string } | null,
    admission: Admission | undefined,
  ): Start {
    this.#studio.store.requireInPlace();
    requireWritable(this.#studio.checkpoints.rootOf(run));
    const recorded = this.#studio.store.checkpoints.list(run.id).find((c) => c.step === from?.step);
    const start = {
      type: 'start',
      config,
      ...(admission ? { admission } : {}),
      datasetDirs: this.#studio.datasets.dirsOf(datasetsOf(config)),
      folder: runDir(this.#studio.home, run.id),
      checkpointRoot: this.#studio.checkpoints.rootOf(run),
      findings: this.#studio.home,
      heldBy: holdersOf(this.#studio.store, config.device, run.id),
      ...hellaswagOf(this.#studio.home, config),
      ...initialWeightsOf(this.#studio.home, run.id, config, from === null),
      ...(from ? { resumeFrom: from.dir } : {}),
    } as const;
    return { start, memory: from ? memoryAt(recorded?.machine ?? null, config, from.step) : {} };
  }

  #launch(id: string, { start, memory }: Start, from: { readonly step: number } | null): RunHandle {
    this.#studio.store.runs.truncateAfter(id, from?.step ?? -1);
    const run = this.#studio.store.runs.get(id);
    const handle = new RunHandle(this.#studio.store, run, start, memory, this.#studio.spawn);
    this.#handles.set(run.id, handle);
    void handle.ended.finally(() => this.#handles.delete(run.id));
    this.#studio.jobs.recordTraining(id, handle.ended, () => handle.pause());
    handle.onChange(() => this.#studio.ticker.poke());
    handle.onEvent((event) => {
      if (event.type === 'started' || event.type === 'phases') void keepPromise(this.#studio, id);
      if (event.type !== 'started') return;
      // Devices call themselves by their kind and their name. A driver's context is a GPU's.
      const [, name] = /^\w+: (.+)$/.exec(event.device) ?? [];
      const { overheadBytes, contextBytes } = event.memory;
      if (name !== undefined && contextBytes !== undefined)
        keepDriverMemory(this.#studio.home, name, overheadBytes, contextBytes);
    });
    this.#requests.watch(run.id, (request) => this.#obey(handle, request), handle.ended);
    return handle;
  }

  async #obey(handle: RunHandle, request: RunRequest): Promise<void> {
    if ('change' in request) await handle.changePhases(request.change, this.#dirsOf(request.change));
    else handle.sendOrder(request.order);
  }

  #dirsOf({ later, add }: PhaseChange): DatasetDirs {
    return this.#studio.datasets.dirsOf(namedDatasets([...(later ?? []), ...add]));
  }

  /** Ends all that trains here now: what came after the last checkpoints is lost. */
  killAll(): void {
    for (const handle of this.#handles.values()) handle.kill();
  }

  /** Pauses all that trains here; settles when it is saved. */
  async pauseAll(): Promise<void> {
    const handles = [...this.#handles.values()];
    for (const handle of handles) handle.pause();
    await Promise.all(handles.map((handle) => handle.ended));
  }
}

/** Of a run that was stopped early and has been given other phases. */
const hasMore = 'phases were added after it was stopped early: resume trains them';

const withDevice = (config: RunConfig, device?: DeviceChoice): RunConfig =>
  device ? { ...config, device: onDevice(config.device, device) } : config;

const withLowBit = (config: RunConfig, lowBitStates?: LowBitStates): RunConfig =>
  lowBitStates ? { ...config, optimizer: { ...config.optimizer, lowBitStates } } : config;
