import { absolute, asJobIn } from './asJob.ts';
import { Interrupted } from './interrupts.ts';
import type { Command } from 'commander';
import { spoolPipes } from '../data/inputs/pipes.ts';
import { type Manifest, prepareDataset, type PrepareOptions } from '../data/index.ts';
import { notesOf, validationNote } from '../data/prepare/notes.ts';
import { formatCount, plural } from '../base/format.ts';
import { given } from '../studio/jobs/given.ts';
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

/** What a window would ask for to have the same made. */
function inputOf({ home: _, inputs, signal: _signal, onProgress: _progress, ...rest }: PrepareOptions): object {
  const { tokenizer, valFraction, textField, where, subset, maxBad, name, splitOn, skipBadFiles } = rest;
  const asked = { tokenizer, valFraction, textField, where, subset, maxBad, name, splitOn, skipBadFiles };
  return { paths: inputs.map(absolute), ...given(asked) };
}

/**
 * Makes a dataset of files, standard input and pipes, as a job.
 * @throws Interrupted when it was stopped
 */
export function prepareAsJob(options: Omit<PrepareOptions, 'signal'>): Promise<Manifest> {
  let made: Manifest | undefined;
  return asJobIn(options.home, { kind: 'tokenize', input: inputOf(options) }, async ({ signal, progress }) => {
    const { inputs, shownAs, discard } = await spoolPipes(options.home, options.inputs, signal);
    try {
      const onWaiting = (maker: string): void =>
        console.error(`this dataset is already being tokenized by ${maker}: waiting for it`);
      const onProgress: PrepareOptions['onProgress'] = (all) => {
        const { doneBytes: done, totalBytes: total, textBytes, tokens } = all;
        progress({ done, total, unit: 'bytes', detail: { textBytes, tokens } });
        options.onProgress?.(all);
      };
      const onAnew = (why: string): void => console.error(printable(why));
      made = await prepareDataset({ onWaiting, onAnew, ...options, onProgress, inputs, shownAs, signal });
    } finally {
      await discard();
    }
    const { user, system } = process.cpuUsage();
    const peakBytes = 1024 * process.resourceUsage().maxRSS;
    return { name: made.name, cpuSeconds: (user + system) / 1e6, peakBytes };
  }).then(() => made!);
}

/**
 * The same until a signal, or somebody elsewhere, stops it.
 * @returns undefined when it was stopped; the exit code says so then
 */
export async function prepareStoppable(options: Omit<PrepareOptions, 'signal'>): Promise<Manifest | undefined> {
  try {
    return await prepareAsJob(options);
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error(`${error.message}, progress saved: run the same command to resume`);
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
