import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/** Standard input, as people name it. */
const isStandardInput = (input: string): boolean => input === '-' || input === '/dev/stdin';

const isPipe = (input: string): boolean => {
  const stat = fs.statSync(input, { throwIfNoEntry: false });
  return stat !== undefined && (stat.isFIFO() || stat.isSocket());
};

export interface Spooled {
  /** The same inputs; in place of pipes, files. */
  readonly inputs: readonly string[];
  /** What those files are called to people. */
  readonly shownAs: Readonly<Record<string, string>>;
  /** Deletes those files. */
  discard(): Promise<void>;
}

/**
 * Standard input and pipes are read once, and a dataset's files more than once: what comes out of them is kept in files,
 * beside what browsers send.
 * @throws UserError when there is no room for it
 */
export async function spoolPipes(home: string, inputs: readonly string[], signal?: AbortSignal): Promise<Spooled> {
  const dirs: string[] = [];
  const shownAs: Record<string, string> = {};
  const discard = async (): Promise<void> => {
    for (const dir of dirs) await fs.promises.rm(dir, { recursive: true, force: true });
  };
  const spool = async (name: string, shown: string, source: Readable): Promise<string> => {
    const dir = path.join(home, 'uploads', randomBytes(6).toString('hex'));
    await fs.promises.mkdir(dir, { recursive: true });
    dirs.push(dir);
    const file = path.join(dir, name);
    await pipeline(source, fs.createWriteStream(file, { flags: 'wx' }), ...(signal ? [{ signal }] : []));
    shownAs[path.resolve(file)] = shown;
    return file;
  };
  try {
    const spooled: string[] = [];
    for (const input of inputs) {
      if (input === '-' || (isStandardInput(input) && !isRegular(input)))
        spooled.push(await spool('stdin', 'standard input', process.stdin));
      else if (isPipe(input)) spooled.push(await spool(nameOfPipe(input), input, fs.createReadStream(input)));
      else spooled.push(input);
    }
    return { inputs: spooled, shownAs, discard };
  } catch (error) {
    await discard();
    if (signal?.aborted || !isSystemError(error)) throw error;
    throw new UserError(
      `What comes through a pipe can't be kept in ${home}: ${meaningOf(error)}; free some space, then try again.`,
    );
  }
}

const isRegular = (input: string): boolean => fs.statSync(input, { throwIfNoEntry: false })?.isFile() ?? false;

/** Of a pipe that the shell made, the name says nothing. */
const nameOfPipe = (input: string): string => (/^\d+$/.test(path.basename(input)) ? 'pipe' : path.basename(input));
