/**
 * An error whose message is meant for the user: what happened, to what, and what to do next, on one line.
 * Everything else that is thrown is a defect and keeps its stack trace.
 */
export class UserError extends Error {
  override readonly name: string = 'UserError';
}

/** Wrong usage: an unknown flag, a wrong type, an impossible dimension. The command line exits with 2 for these. */
export class UsageError extends UserError {
  override readonly name = 'UsageError';
}

/** Wrong usage of one setting of a config, by its dotted path: a page says it at the field of that. */
export class SettingError extends UsageError {
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

/** Why training ended, where it is known what helps: the loss diverged, memory was too little, data is missing. */
export type FailureCause = 'diverged' | 'memory' | 'data';

/** A `UserError` that says by a code, too, why training can't continue: a page offers what helps. */
export class FailureError extends UserError {
  readonly failure: FailureCause;

  constructor(failure: FailureCause, message: string) {
    super(message);
    this.failure = failure;
  }
}

/** The code of what was thrown, or of what caused that. */
export function failureOf(error: unknown): FailureCause | undefined {
  if (!(error instanceof Error)) return undefined;
  return (error as { failure?: FailureCause }).failure ?? failureOf(error.cause);
}

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ');
}

/** A defect of another process, with the stack that it had there. */
export class RemoteDefect extends Error {
  override readonly name = 'RemoteDefect';

  constructor(message: string, stack: string) {
    super(message);
    this.stack = stack;
  }
}

/** The stack of anything thrown, with those of its causes. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own}\ncaused by ${stackOf(error.cause)}`;
}
