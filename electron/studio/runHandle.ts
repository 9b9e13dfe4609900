import type { FromEngine, ToEngine } from '../engine/process/messages.ts';
import type { Outcome, RunEvent } from '../engine/trainer/events.ts';
import { messageOf } from '../errors.ts';
import type { MetricsWriter, Run, RunState, Store } from './store/index.ts';
import { EngineProcess } from './engine.ts';

/** How a run came to rest, the studio's view: an engine that died without a word leaves it interrupted. */
export interface RunEnd {
  readonly state: Outcome['state'] | 'interrupted';
  readonly message: string;
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
    this.#engine = new EngineProcess((message) => this.#receive(message));
    store.claimRun(run.id);
    store.setRunState(run.id, 'preparing');
    this.#engine.send(start);
    this.ended = this.#engine.exited.then((exit) => {
      const how = exit.signal ? `was ended by ${exit.signal}` : `ended with code ${exit.code}`;
      const end: RunEnd = this.#end ?? {
        state: 'interrupted',
        message: this.#killed ? 'stopped at once; the last checkpoint is where it goes on' : `the engine ${how}`,
      };
      return this.#rest(end);
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
    try {
      if (message.type === 'error') this.#end = { state: 'failed', message: message.message };
      else this.#record(message);
    } catch (error) {
      // What can't be stored must not be trained on: the run would go on unseen.
      this.#end = { state: 'failed', message: `the run can't be recorded: ${messageOf(error)}` };
      this.#engine.kill();
      return;
    }
    if (message.type !== 'error') for (const listener of this.#listeners) listener(message);
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
      case 'evaluation':
        this.#store.addEval(id, event.step, 'validation', event.valLoss, { tokens: event.tokens });
        break;
      case 'sample':
        this.#store.addSample(id, event.step, event.prompt, event.seed, event.text);
        break;
      case 'checkpoint':
        this.#metrics.flush();
        this.#store.addCheckpoint(id, event);
        break;
      case 'checkpointRemoved':
        this.#store.removeCheckpoint(id, event.step);
        break;
      case 'ended':
        this.#end = event.outcome;
        break;
    }
  }

  #rest(end: RunEnd): RunEnd {
    try {
      this.#metrics.close();
      this.#store.setRunState(this.run.id, end.state satisfies RunState, end.message);
      const level = end.state === 'failed' ? 'error' : end.state === 'interrupted' ? 'warning' : 'info';
      this.#store.addEvent(this.run.id, null, level, end.state, end.message);
      this.#store.releaseRun(this.run.id);
      return end;
    } catch (error) {
      return { state: 'failed', message: `the run can't be recorded: ${messageOf(error)}` };
    }
  }
}
