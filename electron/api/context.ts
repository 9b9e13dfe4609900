import { ValidationError } from '@orpc/contract';
import { implement, ORPCError } from '@orpc/server';
import { messageOf, stackOf, UserError } from '../base/errors.ts';
import { plainIssues } from '../base/issues.ts';
import { defectMessage, logDefect } from '../base/log.ts';
import type { Studio } from '../studio/studio.ts';
import type { CommandId } from './commands.ts';
import type { Place } from './places.ts';
import { contract } from './contract.ts';

/** What the system's window can do and a browser can't. */
export interface Desktop {
  /** Files and folders chosen in a dialog; null when it was left. */
  pickFiles(title: string): Promise<string[] | null>;
  /** One folder, which may be made there and then; null when the dialog was left. */
  pickFolder(title: string): Promise<string | null>;
  /** Shows a file or folder where the system shows files. */
  showFile(file: string): void;
  /** Opens a file with the program that the system has for its kind. */
  openFile(file: string): void;
  /** Called when settings have changed. */
  settingsChanged(): unknown;
  /** Of the native menu: what can be done at the moment, and what is chosen there. */
  readonly menu: NativeMenu;
  /** Where links and files that the application is opened with lead, until the signal. */
  places(signal: AbortSignal | undefined): AsyncIterable<Place>;
}

export interface NativeMenu {
  offer(commands: readonly CommandId[]): void;
  /** Commands that are chosen, until the signal. */
  chosen(signal: AbortSignal | undefined): AsyncIterable<CommandId>;
}

/** What every handler is given. */
export interface ApiContext {
  readonly studio: Studio;
  readonly desktop?: Desktop;
}

/**
 * The contract to be filled with handlers. What the user can mend arrives at the window as it was said; anything else is a
 * defect, of which the window learns that it happened and the log what it was.
 */
export const api = implement(contract)
  .$context<ApiContext>()
  .use(async ({ next, path, context }) => {
    try {
      return await next();
    } catch (error) {
      throw explained(error, path, context.studio.home);
    }
  });

/** An error as it crosses the API. */
export function explained(error: unknown, path: readonly string[], home: string): unknown {
  if (error instanceof ORPCError) return named(error);
  if (error instanceof UserError) return new ORPCError('BAD_REQUEST', { message: messageOf(error) });
  if (error instanceof Error && error.name === 'AbortError') return error;
  return new ORPCError('INTERNAL_SERVER_ERROR', { message: defectMessage(error, logged(error, path, home)) });
}

/** Keeps a defect in the log, and tells a terminal that there is one. */
export function logged(error: unknown, path: readonly string[], home: string): string | undefined {
  const file = logDefect(home, path.join('.'), error);
  console.error(`trainyard: ${path.join('.')}: ${file === undefined ? stackOf(error) : defectMessage(error, file)}`);
  return file;
}

/** Wrong values are told by their fields, instead of that something is wrong: all of them as data, the first in words. */
function named(error: ORPCError<string, unknown>): unknown {
  const { cause } = error;
  if (!(cause instanceof ValidationError)) return error;
  const problems = plainIssues(cause.issues);
  const [first = { path: '', message: 'it is wrong' }] = problems;
  return new ORPCError('BAD_REQUEST', {
    message: `${first.path || 'The request'}: ${first.message}.`,
    data: { problems },
  });
}

/** A subscription whose errors are told as those of procedures. */
export async function* subscription<T>(
  { studio }: Pick<ApiContext, 'studio'>,
  path: string,
  items: AsyncIterable<T>,
): AsyncGenerator<T, void> {
  try {
    yield* items;
  } catch (error) {
    throw explained(error, [path], studio.home);
  }
}
