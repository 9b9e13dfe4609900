import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import type { SkippedFile } from '../inputs/inputs.ts';
import { type TallyCounts, tallySchema } from './tally.ts';
import type { WritersState } from './writers.ts';

const shard = z.object({ file: z.string(), tokens: z.int().min(0), sha256: z.string() });
const stream = z.object({ finished: z.array(shard), open: z.int().min(0) });
const counted = z.object({ documents: z.int(), bad: z.int() });
const entrySchema = z.object({
  writers: z.object({
    train: z.array(stream),
    val: stream,
    long: stream.optional(),
    longs: z.int().min(0).default(0),
  }),
  done: z.array(counted.extend({ path: z.string(), bytes: z.int(), sha256: z.string() })),
  textBytes: z.int(),
  badLines: z.array(z.string()),
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })).default([]),
  markers: z.int().default(0),
  separators: z.int().default(0),
  tally: tallySchema.optional(),
});

const withinSchema = entrySchema.extend({
  mark: z.object({ steps: z.int().min(1), digest: z.int().min(0), bytes: z.number().min(0) }),
  modifiedMs: z.number(),
  tallies: z.record(
    z.string(),
    counted.extend({
      isSkipped: z.boolean(),
      hasField: z.boolean(),
      absent: z.int().min(0),
      whyAbsent: z.string().optional(),
    }),
  ),
  long: z.object({ textBytes: z.int(), markers: z.int() }).optional(),
});

const schema = entrySchema.extend({ fromEnd: z.boolean().optional(), within: withinSchema.optional() });

export interface FinishedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly documents: number;
  readonly bad: number;
}

/** What is counted of a file that is being read. */
export interface FileTally {
  documents: number;
  bad: number;
  isSkipped: boolean;
  /** Whether one of its documents has the field of the text, be it null. */
  hasField: boolean;
  /** Documents without that field, which nothing has been said of yet. */
  absent: number;
  whyAbsent?: string | undefined;
}

/** How far a dataset in the making is, after some of its files. */
export interface JournalEntry {
  readonly writers: WritersState;
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

/** A place within a file: the file is cut the same way again, and what was done of it is passed over. */
export interface Mark {
  /** Steps of the reader that were taken since the last file that is done. */
  readonly steps: number;
  /** Of what was in them: the file may be another one by now, or be cut in another way. */
  readonly digest: number;
  /** Bytes of the file that had been read for them. */
  readonly bytes: number;
}

/** How far it is within the file behind those that are done. */
export interface WithinFile extends JournalEntry {
  readonly mark: Mark;
  readonly modifiedMs: number;
  readonly tallies: Readonly<Record<string, FileTally>>;
  /** Of the long document that is being written: its tokens are in `writers.long`. */
  readonly long?: { readonly textBytes: number; readonly markers: number } | undefined;
}

/** What is kept: `within` is further than the rest, which is where it goes on when that file is another one. */
export interface Journal extends JournalEntry {
  /** Whether validation is held back from the end; absent in older ones. */
  readonly fromEnd?: boolean | undefined;
  readonly within?: WithinFile | undefined;
}

const fileOf = (dir: string): string => path.join(dir, 'journal.json');

/** Keeps how far it is: whole or as before. What it tells of is on the disk already. */
export function writeJournal(dir: string, journal: Journal): void {
  const partial = `${fileOf(dir)}.partial`;
  const fd = fs.openSync(partial, 'w');
  fs.writeSync(fd, JSON.stringify(journal));
  fs.fsyncSync(fd);
  fs.closeSync(fd);
  fs.renameSync(partial, fileOf(dir));
}

/** Where a dataset in the making was left; undefined when it has to begin anew. */
export function readJournal(dir: string): Journal | undefined {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(fileOf(dir), 'utf8')));
  } catch {
    return undefined;
  }
}

/** Goes back to the end of the last file that is done. */
export function forgetWithin(dir: string): void {
  const journal = readJournal(dir);
  if (journal) writeJournal(dir, { ...journal, within: undefined });
}

/** Of a finished dataset. */
export function removeJournal(dir: string): void {
  fs.rmSync(fileOf(dir), { force: true });
}
