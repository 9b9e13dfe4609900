import type { FromEngine, ToEngine } from '../engine/process/messages.ts';
import type { Outcome, RunEvent } from '../engine/trainer/events.ts';
import { messageOf } from '../errors.ts';
import type { MetricsWriter, Run, RunState, Store } from './store/index.ts';
import { type EngineExit, EngineProcess } from './engine.ts';

/** How a run came to rest, the studio's view: an engine that died without a word leaves it interrupted. */
export interface RunEnd {
  readonly state: Outcome['state'] | 'interrupted';
  readonly message: string;
  /** Whether resuming goes on from the last checkpoint: not when all is done, nor when it would only fail again. */
  readonly resumable: boolean;
}

/** A run that trains in an engine process of its own. Everything it says is stored, then passed on. */
export class RunHandle {
  readonly run: Run;
  /** Settles when the run rests and all is stored. */
  readonly ended: Promise<RunEnd>;
  readonly #store: Store;
  readonly #engine: EngineProcess;
  readonly #metrics: MetricsWriter;
  readonly #listeners = new Set<(event: RunEvent) => void>();
  #end: RunEnd | undefined;
  #killed = false;

  constructor(store: Store, run: Run, start: Extract<ToEngine, { type: 'start' }>) {
    this.#store = store;
    this.run = run;
    this.#metrics = store.metricsWriter(run.id);
    store.claimRun(run.id);
    store.setRunState(run.id, 'preparing');
    this.#engine = new EngineProcess((message) => this.#receive(message));
    this.#engine.send(start);
    this.ended = this.#engine.exited.then((exit) => {
      const how = this.#killed ? 'stopped at once' : describe(exit);
      return this.#rest(
        this.#end ?? {
          state: 'interrupted',
          message: `${how}; the last checkpoint is where it goes on`,
          resumable: true,
        },
      );
    });
  }

  onEvent(listener: (event: RunEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the run after the current step, with a checkpoint. */
  stop(): void {
    this.#engine.send({ type: 'stop' });
  }

  /** Ends the run now: what came after the last checkpoint is lost. */
  kill(): void {
    this.#killed = true;
    this.#engine.kill();
  }

  #receive(message: FromEngine): void {
    // What still arrives after a failure would leave a gap where that happened.
    if (this.#end) return;
    try {
      if (message.type === 'error') this.#end = { state: 'failed', message: message.message, resumable: true };
      else if (message.type === 'flush') this.#flush(message.id);
      else this.#record(message);
    } catch (error) {
      // What can't be stored must not be trained on: the run would go on unseen.
      this.#end = unrecorded(error);
      this.#engine.kill();
      return;
    }
    if (message.type === 'error' || message.type === 'flush') return;
    for (const listener of this.#listeners) listener(message);
  }

  #flush(id: number): void {
    this.#metrics.flush();
    this.#engine.send({ type: 'flushed', id });
  }

  #record(event: RunEvent): void {
    const { id } = this.run;
    switch (event.type) {
      case 'started':
        this.#store.setRunState(id, 'training');
        this.#store.addEvent(
          id,
          event.step,
          'info',
          'started',
          `training on ${event.device} from step ${event.step}`,
          event.memory,
        );
        break;
      case 'metrics':
        this.#metrics.add(event);
        break;
      case 'phase':
        this.#store.addPhase(id, event.index, event.kind, event.step);
        this.#store.addEvent(id, event.step, 'info', 'phase', `phase ${event.index + 1}: ${event.kind}`);
        break;
      case 'optimizer':
        this.#store.addEvent(
          id,
          event.step,
          'info',
          'optimizer',
          `optimizer switched from ${event.from} to ${event.to}`,
          event.memory,
        );
        break;
      case 'skip':
        this.#store.addEvent(
          id,
          event.step,
          'warning',
          'skip',
          `step ${event.step} was skipped: its gradient is not finite`,
        );
        break;
      case 'recovery':
        this.#metrics.flush();
        this.#store.truncateAfter(id, event.to);
        this.#store.addEvent(
          id,
          event.step,
          'warning',
          'recovery',
          `went back to step ${event.to}: ${event.reason} (recovery ${event.recoveries})`,
        );
        break;
      case 'evaluation':
        this.#store.addEval(id, event.step, 'validation', event.valLoss, { tokens: event.tokens });
        break;
      case 'sample':
        this.#store.addSample(id, event.step, event.prompt, event.seed, event.text);
        break;
      case 'checkpoint':
        this.#store.addCheckpoint(id, event);
        break;
      case 'checkpointRemoved':
        this.#store.removeCheckpoint(id, event.step);
        break;
      case 'ended':
        // What the trainer itself calls failed would happen again at the same step.
        this.#end = { ...event.outcome, resumable: event.outcome.state === 'stopped' };
        break;
    }
  }

  #rest(end: RunEnd): RunEnd {
    try {
      this.#metrics.close();
    } catch (error) {
      if (end.state !== 'failed') end = unrecorded(error);
    }
    try {
      this.#store.setRunState(this.run.id, end.state satisfies RunState, end.message);
      const level = end.state === 'failed' ? 'error' : end.state === 'interrupted' ? 'warning' : 'info';
      this.#store.addEvent(this.run.id, null, level, end.state, end.message);
      this.#store.releaseRun(this.run.id);
      return end;
    } catch (error) {
      return end.state === 'failed' ? end : unrecorded(error);
    }
  }
}

const unrecorded = (error: unknown): RunEnd => ({
  state: 'failed',
  message: `the run can't be recorded: ${messageOf(error)}`,
  resumable: true,
});

function describe({ code, signal }: EngineExit): string {
  if (signal === null) return `the engine ended with code ${code}`;
  const cause = signal === 'SIGKILL' ? ' (another program did that, or the system for want of memory)' : '';
  return `the engine was ended by ${signal}${cause}`;
}
