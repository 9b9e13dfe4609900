import type { JobProgress } from '../store/index.ts';
import type { Studio } from '../studio.ts';

/** How a job tells what it does. */
export interface JobTools {
  /** Aborted when it is to end. */
  readonly signal: AbortSignal;
  progress(progress: JobProgress): void;
  /** Adds to the text that it writes. */
  write(text: string): void;
  /** What is asked of it, by now. */
  input(): unknown;
  /** A line for its log. */
  log(line: string): void;
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
  /** Called when it is taken out of the queue. */
  dropped?(studio: Studio, input: Input): void;
}

/** A job ended because somebody asked for that elsewhere. */
export class JobEnded extends Error {}
