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

/** The message of anything thrown, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ');
}
