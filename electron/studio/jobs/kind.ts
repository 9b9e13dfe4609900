import { UserError } from '../../base/errors.ts';
import type { RunEnd } from '../run/machine.ts';
import type { JobProgress } from '../store/index.ts';
import type { Studio } from '../studio.ts';

/** How work that is recorded tells what it does. */
export interface WorkTools {
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
  progress(progress: JobProgress): void;
  /** Adds to the text that it writes. */
  write(text: string): void;
  /** A line for its log. */
  log(line: string): void;
}

/** What a job of the queue has besides. */
export interface JobTools extends WorkTools {
  /** What is asked of it, by now. */
  input(): unknown;
  /** The run that it is about, as its row names it. */
  run(): string | null;
  /** Names that run: one that is begun again finds what it has made. */
  nameRun(id: string): void;
}

/** What a job is called, and what it waits for. */
export interface Described {
  readonly title: string;
  /** The id of the run that it is about. */
  readonly run?: string;
  /** What only so many jobs use at a time; absent: it waits for nothing. */
  readonly slot?: string;
}

/** A kind of work that takes longer than a moment. */
export interface JobKind<Input, Result> {
  /** @throws UserError when it can't be done: before it is queued */
  describe(studio: Studio, input: Input): Described;
  /** Whether it goes on where it was, or at least harms nothing, when it is begun again. */
  readonly restarts: boolean;
  /** @throws UserError when it fails */
  run(studio: Studio, input: Input, tools: JobTools): Promise<Result>;
  /** How far it is, where that is stored by what it does. */
  progress?(studio: Studio, input: Input): JobProgress | undefined;
  /** Called when it waits again, because the process that did it is gone. */
  requeued?(studio: Studio, input: Input): void;
  /** Called when it is taken out of the queue. @param why it was not done; absent: somebody has cancelled it */
  dropped?(studio: Studio, input: Input, why?: string): void;
}

/** A job ended because somebody asked for that elsewhere. */
export class JobEnded extends Error {
  /** What becomes of it. */
  readonly state: 'cancelled' | 'paused';

  constructor(message: string, state: 'cancelled' | 'paused' = 'cancelled') {
    super(message);
    this.state = state;
  }
}

/** How a training job ends whose run rests before its end. @param asked whether its user has ended it at once */
export function restedError({ state, message, asked }: RunEnd): Error {
  if (state === 'paused') return new JobEnded(message, 'paused');
  return state === 'failed' || !asked ? new UserError(message) : new JobEnded(message);
}

/** A job ended because another one took its place: there is nothing to be told of it. */
export class Superseded extends JobEnded {}
