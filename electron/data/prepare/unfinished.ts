import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { claimDataset, makerOf } from '../dataset/claim.ts';
import { isDataset } from '../dataset/manifest.ts';
import { subsetSchema } from '../subsets.ts';
import { tokenizerNameSchema } from '../tokenizers/types.ts';
import { readJournal } from './journal.ts';

/** What a dataset is made from, as it was asked for: enough to go on with it. */
const orderSchema = z.object({
  /** Paths of files and folders, and globs. */
  inputs: z.array(z.string()),
  /** How many files they are; 0: not known. */
  files: z.int().default(0),
  /** Of all that decides what is in it; absent in older ones. */
  key: z.string().optional(),
  splitOn: z.string().optional(),
  skipBadFiles: z.boolean().default(false),
  tokenizer: tokenizerNameSchema,
  textField: z.string(),
  where: z.array(z.object({ path: z.string(), values: z.array(z.string()) })),
  subset: subsetSchema,
  valFraction: z.number(),
  maxBad: z.number(),
  /** Of the files. */
  totalBytes: z.number(),
});

export type Order = z.infer<typeof orderSchema>;

/** A dataset that is being made, or was left in the middle. */
export interface Unfinished extends Order {
  readonly name: string;
  /** Of the files, what is done. */
  readonly doneBytes: number;
  /** The process that makes it; null where none does. */
  readonly pid: number | null;
}

const orderName = 'order.json';

/** Where the dataset of a name is made. */
export const makingDir = (home: string, name: string): string => path.join(home, 'datasets', `.${name}.corpus`);

export const writeOrder = (dir: string, order: Order): void =>
  fs.writeFileSync(path.join(dir, orderName), JSON.stringify(order, null, 2));

export const removeOrder = (dir: string): void => fs.rmSync(path.join(dir, orderName), { force: true });

function orderIn(dir: string): Order | undefined {
  try {
    return orderSchema.parse(JSON.parse(fs.readFileSync(path.join(dir, orderName), 'utf8')));
  } catch {
    return undefined; // just begun, or just finished
  }
}

/** What an unfinished dataset is made from; undefined where that is not known. */
export const orderOf = (home: string, name: string): Order | undefined => orderIn(makingDir(home, name));

/** Whether two are asked for alike: where their keys differ nevertheless, the files have changed. */
export function asksTheSame(a: Order, b: Order): boolean {
  const asked = ({ inputs, tokenizer, splitOn, textField, where, subset, valFraction }: Order) =>
    JSON.stringify([inputs, tokenizer, splitOn, textField, where, subset.from, subset.to, valFraction]);
  return asked(a) === asked(b);
}

/** Bytes of files that are done, of a dataset that is made in a folder. */
export function doneBytes(dir: string): number {
  const journal = readJournal(dir);
  const { done } = journal?.within ?? journal ?? { done: [] };
  return done.reduce((n, { bytes }) => n + bytes, journal?.within?.mark.bytes ?? 0);
}

function unfinishedOf(home: string, name: string): Unfinished | undefined {
  const dir = makingDir(home, name);
  const order = orderIn(dir);
  return order && { ...order, name, doneBytes: doneBytes(dir), pid: makerOf(home, name)?.owner?.pid ?? null };
}

/** Whether a dataset is not finished yet, and some of it is there. */
export const isInTheMaking = (home: string, name: string): boolean =>
  fs.existsSync(makingDir(home, name)) && !isDataset(path.join(home, 'datasets', name));

/** The datasets that are being made, and those that were left in the middle. */
export function unfinishedDatasets(home: string): Unfinished[] {
  const root = path.join(home, 'datasets');
  if (!fs.existsSync(root)) return [];
  const names = fs.readdirSync(root).flatMap((entry) => /^\.(.+)\.corpus$/.exec(entry)?.[1] ?? []);
  return names.sort().flatMap((name) => unfinishedOf(home, name) ?? []);
}

/** Deletes what was made of a dataset. @throws UserError while a process makes it */
export function removeUnfinished(home: string, name: string): void {
  const claim = claimDataset(home, name);
  try {
    fs.rmSync(makingDir(home, name), { recursive: true, force: true });
  } finally {
    claim.release();
  }
}
