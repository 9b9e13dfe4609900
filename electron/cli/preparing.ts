import { abortable, Interrupted } from './interrupts.ts';
import type { Command } from 'commander';
import { spoolPipes } from '../data/inputs/pipes.ts';
import { type Manifest, prepareDataset, type PrepareOptions } from '../data/index.ts';
import { notesOf, validationNote } from '../data/prepare/notes.ts';
import { formatCount, plural } from '../base/format.ts';
import { printable } from './terminal/text.ts';

export interface TextFlags {
  readonly splitOn?: string;
  readonly skipBadFiles?: boolean;
}

/** Flags of commands that make datasets of files. */
export const addTextFlags = (command: Command): Command =>
  command
    .option(
      '--split-on <separator>',
      "separator between documents in text files, such as '<|endoftext|>', or blank-lines (default: each file is one document)",
    )
    .option('--skip-bad-files', 'skip unreadable files and list them');

/** What these flags ask for. */
export const textOptions = ({
  splitOn,
  skipBadFiles,
}: TextFlags): Pick<PrepareOptions, 'splitOn' | 'skipBadFiles'> => ({
  ...(splitOn === undefined ? {} : { splitOn }),
  ...(skipBadFiles ? { skipBadFiles } : {}),
});

/**
 * Makes a dataset of files, standard input and pipes, until a signal stops it.
 * @returns undefined when it was stopped; the exit code says so then
 */
export async function prepareStoppable(options: Omit<PrepareOptions, 'signal'>): Promise<Manifest | undefined> {
  try {
    return await abortable(async (signal) => {
      const { inputs, shownAs, discard } = await spoolPipes(options.home, options.inputs, signal);
      try {
        const onWaiting = (maker: string): void =>
          console.error(`this dataset is already being tokenized by ${maker}: waiting for it`);
        return await prepareDataset({ onWaiting, ...options, inputs, shownAs, signal });
      } finally {
        await discard();
      }
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error('stopped, progress saved: run the same command to resume');
    process.exitCode = error.exitCode;
    return undefined;
  }
}

/** How a dataset is divided, on one line. */
export function tokensLine(made: Manifest): string {
  const note = validationNote(made);
  const from = note === undefined ? '' : ` (${note})`;
  return `${made.name}: ${plural(made.trainTokens, 'token')} to train on, ${formatCount(made.valTokens)} to validate${from}`;
}

/** Tells what should be known of a dataset that was made. */
export function reportNotes(made: Manifest): void {
  for (const note of notesOf(made)) console.error(printable(note));
}
