import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { SkippedFile } from '../inputs/inputs.ts';
import { type TallyCounts, tallySchema } from './tally.ts';
import type { WritersState } from './writers.ts';

const shard = z.object({ file: z.string(), tokens: z.int().min(0), sha256: z.string() });
const stream = z.object({ finished: z.array(shard), open: z.int().min(0) });
const schema = z.object({
  writers: z.object({ train: z.array(stream), val: stream }),
  done: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string(), documents: z.int(), bad: z.int() })),
  textBytes: z.int(),
  badLines: z.array(z.string()),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
  markers: z.int().default(0),
  separators: z.int().default(0),
  tally: tallySchema.optional(),
});

export interface FinishedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly documents: number;
  readonly bad: number;
}

/** What is known of the files that are done. */
export interface Progressed {
  readonly done: readonly FinishedFile[];
  readonly textBytes: number;
  /** The first bad lines, for people. */
  readonly badLines: readonly string[];
  /** Files that could not be read, or not to their end. */
  readonly skipped: readonly SkippedFile[];
  /** How often texts say `<|endoftext|>`, and how often what they are split on was met. */
  readonly markers: number;
  readonly separators: number;
  readonly tally?: TallyCounts | undefined;
}

/** How far a dataset in the making is, after some of its files. */
export interface JournalEntry extends Progressed {
  readonly writers: WritersState;
}

const fileOf = (dir: string): string => path.join(dir, 'journal.json');

/** Keeps how far it is: whole or as before. What it tells of is on the disk already. */
export function writeJournal(dir: string, entry: JournalEntry): void {
  const partial = `${fileOf(dir)}.partial`;
  const fd = fs.openSync(partial, 'w');
  fs.writeSync(fd, JSON.stringify(entry));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(partial, fileOf(dir));
}

/** Where a dataset in the making was left; undefined when it has to begin anew. */
export function readJournal(dir: string): JournalEntry | undefined {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(fileOf(dir), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Of a finished dataset. */
export function removeJournal(dir: string): void {
  fs.rmSync(fileOf(dir), { force: true });
}
