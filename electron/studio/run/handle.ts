import path from 'node:path';
import { createActor, fromCallback, type Actor } from 'xstate';
import type { EngineError, FromEngine, ToEngine } from '../../engine/process/messages.ts';
import type { Request, RunEvent } from '../../engine/run/events.ts';
import type { PhaseChange } from '../../engine/run/phaseChange.ts';
import type { DatasetDirs } from '../../engine/run/data.ts';
import { messageOf, RemoteDefect, UserError } from '../../base/errors.ts';
import { defectMessage, logDefect } from '../../base/log.ts';
import type { MetricsWriter, Run, RunState, Store } from '../store/index.ts';
import type { EngineProcess, SpawnEngine } from './engine.ts';
import {
  type EngineEvent,
  type EngineOrder,
  memoryOf,
  type RunEnd,
  type RunMemory,
  runMachine,
  type RunSnapshot,
  stateName,
  storedState,
} from './machine.ts';
import { record } from './record.ts';

/** What was asked of a run that trains came too late. */
export class RestedError extends UserError {
  constructor() {
    super('The run ended before its phases were updated: apply them again.');
  }
}

/** A run that trains in an engine process of its own. Everything it says is stored, then passed on. */
export class RunHandle {
  readonly run: Run;
  /** Settles when the run rests and all is stored. */
  readonly ended: Promise<RunEnd>;
  readonly #store: Store;
  readonly #metrics: MetricsWriter;
  readonly #spawn: SpawnEngine;
  readonly #actor: Actor<typeof runMachine>;
  readonly #listeners = new Set<(event: RunEvent) => void>();
  readonly #phaseChanges = new Map<number, (refusal: string | undefined) => void>();
  #phaseRequests = 0;
  /** What was asked for and not answered yet. */
  readonly #asked = new Map<number, Request>();
  #requests = 0;
  /** Messages of the engine so far. */
  #received = 0;
  #engine: EngineProcess | undefined;
  #stored: RunState = 'preparing';
  /** Another process owns the run by now: nothing more may be recorded of it here. */
  #lost = false;

  /** @param memory what the run's machine remembered at the checkpoint that it goes on from */
  constructor(
    store: Store,
    run: Run,
    start: Extract<ToEngine, { type: 'start' }>,
    memory: Partial<RunMemory>,
    spawn: SpawnEngine,
  ) {
    this.#store = store;
    this.#spawn = spawn;
    this.run = run;
    store.claims.take(run.id, () => this.#onLost());
    store.runs.setState(run.id, 'preparing');
    this.#metrics = store.metrics.writer(run.id);
    const machine = runMachine.provide({
      actors: { engine: fromCallback(({ sendBack }) => this.#runEngine(start, sendBack)) },
      actions: { order: (_, order) => this.#order(order) },
    });
    this.#actor = createActor(machine, { input: memory });
    this.ended = new Promise((resolve) => {
      this.#actor.subscribe((snapshot) => {
        if (snapshot.status === 'done') resolve(this.#rest(snapshot));
        else this.#storeState(snapshot);
      });
    });
    this.#actor.start();
    // It was stopped before its process was lost: it ends where it was.
    const { stopAt } = run;
    if (stopAt === null) return;
    if (this.#actor.getSnapshot().context.step >= stopAt) this.#finish();
    else this.onEvent((event) => event.type === 'metrics' && event.step >= stopAt && this.#finish());
  }

  /** For people: `training.cosine`, `evaluating`, `pausing`. */
  get state(): string {
    return stateName(this.#actor.getSnapshot());
  }

  onEvent(listener: (event: RunEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Calls back whenever its state or what it remembers changes. */
  onChange(listener: () => void): void {
    this.#actor.subscribe(listener);
  }

  /** Has something done besides training, between two steps. */
  request(what: Request): void {
    const id = ++this.#requests;
    this.#asked.set(id, what);
    this.#engine?.send({ type: 'request', id, what });
  }

  /** What its user tells it. @throws UserError when it is to pause and finishes already: it would not go on later */
  sendOrder(order: 'pause' | 'stop' | Request): void {
    if (order === 'pause' && this.state === 'stopping')
      throw new UserError(`The run ${this.run.name} is stopping and can't be paused any more.`);
    if (order === 'pause') this.pause();
    else if (order === 'stop') this.stop();
    else this.request(order);
  }

  /** Rests after the current step, with a checkpoint, to go on later; one that finishes leaves out what is done behind its last step. */
  pause(): void {
    this.#actor.send({ type: 'pause' });
  }

  /**
   * Makes the current step the last: the run is evaluated, sampled and saved as at its end, and complete. Once more: what of
   * that is not done yet is left out, but for the checkpoint.
   */
  stop(): void {
    this.#keepStop();
    this.#actor.send({ type: 'stop' });
  }

  /** As it was stopped before; nothing where it is stopped once more. */
  #finish(): void {
    if (stateName(this.#actor.getSnapshot()) !== 'stopping') this.#actor.send({ type: 'stop' });
  }

  /** Before its engine hears of it: whatever is lost then, the run does not go on behind this step. */
  #keepStop(): void {
    const { step } = this.#actor.getSnapshot().context;
    try {
      this.#store.runs.update(this.run.id, { stopAt: step });
    } catch {
      // It is stopped all the same.
    }
  }

  /**
   * Changes the phases that the run has not begun; settles when the engine has done so, between two steps.
   * @throws UserError when it refused, or came to rest first: nothing is changed then
   */
  async changePhases(change: PhaseChange, datasetDirs: DatasetDirs): Promise<void> {
    const id = ++this.#phaseRequests;
    const answer = new Promise<string | undefined>((resolve) => this.#phaseChanges.set(id, resolve));
    this.#engine?.send({ type: 'changePhases', id, change, datasetDirs });
    const rested = this.ended.then(() => Promise.reject(new RestedError()));
    const refusal = await Promise.race([answer, rested]).finally(() => this.#phaseChanges.delete(id));
    if (refusal !== undefined) throw new UserError(refusal);
  }

  /** Ends the run now: what came after the last checkpoint is lost. */
  kill(): void {
    this.#actor.send({ type: 'kill' });
  }

  #onLost(): void {
    this.#lost = true;
    this.kill();
  }

  #runEngine(start: Extract<ToEngine, { type: 'start' }>, emit: (event: EngineEvent) => void): void {
    this.#engine = this.#spawn((message) => this.#receive(message as FromEngine, emit));
    this.#engine.send(start);
    void this.#engine.exited.then((exit) => emit({ type: 'exit', exit }));
  }

  #order(order: EngineOrder): void {
    if (order.type === 'kill') this.#engine?.kill();
    else this.#engine?.send(order);
  }

  #receive(message: FromEngine, emit: (event: EngineEvent) => void): void {
    this.#received++;
    // What still arrives after a failure would leave a gap where that happened.
    if (this.#lost || this.#actor.getSnapshot().context.end !== null) return;
    try {
      this.#keep(message);
    } catch (error) {
      emit({ type: 'unrecorded', message: unrecorded(error) });
      return;
    }
    if (message.type === 'flush') return;
    if (message.type === 'error') return emit(this.#explained(message));
    if (message.type === 'asked') this.#asked.delete(message.request);
    if (message.type === 'phases') this.#phaseChanges.get(message.request)?.(undefined);
    if (message.type === 'phasesRefused') this.#phaseChanges.get(message.request)?.(message.reason);
    emit(message);
    for (const listener of this.#listeners) listener(message);
  }

  /** An engine's last words. A defect is put into the log, and the run says so. */
  #explained({ stack, ...error }: EngineError): EngineEvent {
    if (stack === undefined) return error;
    const { message } = error;
    const defect = new RemoteDefect(message, stack);
    const file = logDefect(path.dirname(this.#store.file), `engine of ${this.run.id}`, defect);
    return { ...error, message: defectMessage(defect, file) };
  }

  #keep(message: FromEngine): void {
    if (message.type === 'flush') {
      this.#metrics.flush();
      this.#engine?.send({ type: 'flushed', id: message.id });
    } else if (message.type !== 'error') {
      record(this.#store, this.#metrics, this.run.id, message, memoryOf(this.#actor.getSnapshot()));
      if (message.type !== 'metrics' && message.type !== 'activity')
        this.#engine?.send({ type: 'stored', number: this.#received });
    }
  }

  #storeState(snapshot: RunSnapshot): void {
    const state = storedState(snapshot);
    if (this.#lost || state === this.#stored) return;
    this.#stored = state;
    try {
      this.#store.runs.setState(this.run.id, state);
    } catch {
      // The metrics that come next can't be stored either, and end the run.
    }
  }

  /** What the engine was asked for and did not live to answer. */
  #dropRequests(step: number): void {
    for (const [request, what] of this.#asked) {
      const event: RunEvent = { type: 'asked', step, request, what, done: false };
      record(this.#store, this.#metrics, this.run.id, event, memoryOf(this.#actor.getSnapshot()));
      for (const listener of this.#listeners) listener(event);
    }
    this.#asked.clear();
  }

  #rest(snapshot: RunSnapshot): RunEnd {
    let end = snapshot.context.end!;
    if (this.#lost) return { state: 'interrupted', message: takenOver, resumable: false };
    try {
      this.#metrics.close();
    } catch (error) {
      if (end.state !== 'failed') end = { state: 'failed', message: unrecorded(error), resumable: true };
    }
    try {
      this.#dropRequests(snapshot.context.step);
      if (end.state === 'interrupted')
        end = { ...end, message: `${end.message}; ${this.#store.runs.whereResumed(this.run.id)}` };
      this.#store.runs.setState(this.run.id, end.state satisfies RunState, end.message, end.early);
      const level = end.state === 'failed' ? 'error' : end.state === 'interrupted' ? 'warning' : 'info';
      this.#store.events.add(this.run.id, null, level, end.state, end.message, end.failure && { cause: end.failure });
      this.#store.claims.release(this.run.id);
      return end;
    } catch (error) {
      return end.state === 'failed' ? end : { state: 'failed', message: unrecorded(error), resumable: true };
    }
  }
}

const takenOver = 'another process took over the run while this one was suspended for minutes; it continues there';

const unrecorded = (error: unknown): string => `the run can't be recorded: ${messageOf(error)}`;
