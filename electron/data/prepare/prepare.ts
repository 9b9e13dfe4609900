import fs from 'node:fs';
import path from 'node:path';
import type { Lock } from '../../base/lock.ts';
import { UsageError, UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { awaitClaim, describeMaker, dropStaleClaim, makerOf, requireClaim, whileClaimed } from '../dataset/claim.ts';
import { removePartials, wholeDataset } from '../dataset/make.ts';
import { isDataset, type Manifest } from '../dataset/index.ts';
import { everything } from '../subsets.ts';
import type { Selection } from './documents.ts';
import { bytesOf, defaultValFraction, inspectInputs, nameOf } from '../inputs/inputs.ts';
import { isHeldBackFromEnd } from './holdBack.ts';
import { forgetWithin } from './journal.ts';
import { AllHeldBack, FileDiffers, Making, type Plan } from './making.ts';
import { requireName } from '../dataset/names.ts';
import { defaultMaxBad, type PrepareOptions } from './options.ts';
import { requireSense } from './problems.ts';
import { shownText } from './shown.ts';
import { separatorOf } from './text/separator.ts';
import { asksTheSame, doneBytes, makingDir, type Order, orderOf, unfinishedDatasets } from './unfinished.ts';

export type { PrepareOptions, PrepareProgress } from './options.ts';

/** Work on so many bytes is kept when a file stops it: it can go on without that file. */
const worthKeeping = 1e9;

/**
 * Makes a dataset of documents in files of any size, with memory that does not grow with them: read, decompressed, parsed
 * and tokenized in worker threads, written bucket by bucket. Documents go to a bucket, and to validation, by their text
 * alone; of few texts the end is for validation. It is whole or absent; what was done before a stop or a crash is not done
 * again, and what fails leaves nothing behind.
 * @throws UserError for files that are missing, unreadable or changed meanwhile, too many bad documents, or a full disk
 */
export async function prepareDataset(options: PrepareOptions): Promise<Manifest> {
  try {
    return await prepared(options);
  } catch (error) {
    if (error instanceof UserError) error.message = shownText(error.message, options.shownAs);
    throw error;
  }
}

async function prepared(options: PrepareOptions): Promise<Manifest> {
  const { home, tokenizer, splitOn, textField = 'text', where = [], subset = everything, signal } = options;
  const given = options.name === undefined ? undefined : requireName(options.name);
  const separator = splitOn === undefined ? undefined : separatorOf(splitOn);
  requireFraction(options.valFraction);
  const inputs = await inspectInputs(options.inputs, options);
  if (inputs.inputs.length === 0) throw new UserError('No file is left that can be read: name others.');
  const valFraction = options.valFraction ?? defaultValFraction(inputs.inputs);
  const selection: Selection = { tokenizer, textField, where, subset, valFraction };
  requireSense(inputs.inputs, options);
  const { name: automatic, key } = nameOf(inputs.inputs, { ...selection, splitOn });
  const name = given ?? automatic;
  const dir = path.join(home, 'datasets', name);
  const there = existing(home, name, key, given !== undefined);
  if (there) return there;

  const order: Order = {
    inputs: options.inputs.map((i) => path.resolve(i)),
    files: inputs.inputs.length,
    key,
    tokenizer,
    ...(splitOn === undefined ? {} : { splitOn }),
    textField,
    where: where.map((w) => ({ ...w, values: [...w.values] })),
    subset,
    valFraction,
    maxBad: options.maxBad ?? defaultMaxBad,
    skipBadFiles: options.skipBadFiles ?? false,
    totalBytes: bytesOf(inputs.inputs),
  };
  const fromEnd = isHeldBackFromEnd(inputs.inputs, separator);
  const plan: Plan = { inputs, selection, separator, fromEnd, name, key, dir: makingDir(home, name), order };
  let claim: Lock | undefined;
  try {
    const maker = makerOf(home, name);
    if (maker) options.onWaiting?.(describeMaker(maker));
    claim = await awaitClaim(home, name, signal);
    // Another process may have finished it in the meantime.
    const quicker = existing(home, name, key, given !== undefined);
    if (quicker) return quicker;
    const before = orderOf(home, name);
    const isChanged = before?.key !== undefined && before.key !== key;
    if (isChanged && !asksTheSame(before, order))
      throw new UserError(
        `An unfinished dataset ${name} is made of something else: choose another name, or remove it with \`trainyard data remove ${name}\`.`,
      );
    if (isChanged) fs.rmSync(plan.dir, { recursive: true, force: true });
    const anew = isChanged ? anewFor(order) : anewBeside(home, order);
    if (anew !== undefined) options.onAnew?.(anew);
    removePartials(path.join(home, 'datasets'), name);
    const manifest = await makeOrRemove({ ...options, signal: whileClaimed(claim, signal) }, { ...plan, anew });
    requireClaim(claim, name);
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(plan.dir, dir);
    return manifest;
  } catch (error) {
    if (claim) requireClaim(claim, name);
    if (signal?.aborted || !isSystemError(error)) throw error;
    const isFull = error.code === 'ENOSPC' || error.code === 'EDQUOT';
    const next = isFull ? 'free some space, then run the same command to resume' : 'fix that, then try again';
    throw new UserError(
      `The dataset can't be written to ${plan.dir}: ${meaningOf(error)}. Progress is saved: ${next}.`,
    );
  } finally {
    claim?.release();
  }
}

/** What fails for good leaves nothing behind, but where that would be hours of work. */
async function makeOrRemove(options: PrepareOptions, plan: Plan): Promise<Manifest> {
  const remove = (): void => fs.rmSync(plan.dir, { recursive: true, force: true });
  try {
    try {
      return await makeOrBeginAnew(options, plan);
    } catch (error) {
      if (!(error instanceof AllHeldBack)) throw error;
      remove();
      return await new Making(options, { ...plan, fromEnd: true }).run();
    }
  } catch (error) {
    if (!(error instanceof UserError) || options.signal?.aborted) throw error;
    if (doneBytes(plan.dir) < worthKeeping) remove();
    else error.message += ` Progress is saved for another try; \`trainyard data remove ${plan.name}\` deletes it.`;
    throw error;
  }
}

/** A file whose first part was done, and that is another one by now, is done again; those before it are not. */
async function makeOrBeginAnew(options: PrepareOptions, plan: Plan): Promise<Manifest> {
  try {
    return await new Making(options, plan).run();
  } catch (error) {
    if (!(error instanceof FileDiffers)) throw error;
    const anew = changed(`The file ${error.file}`);
    options.onAnew?.(shownText(anew, options.shownAs));
    forgetWithin(plan.dir);
    return await new Making(options, { ...plan, anew }).run();
  }
}

const changed = (what: string): string =>
  `${what} has changed since tokenizing stopped: it was tokenized from the start.`;

const anewFor = ({ inputs }: Order): string =>
  changed(inputs.length === 1 ? `The text in ${inputs[0]}` : `The text in ${inputs[0]} and ${inputs.length - 1} more`);

/** Why another dataset that was begun of the same files is not gone on with; undefined where none was. */
function anewBeside(home: string, order: Order): string | undefined {
  const left = unfinishedDatasets(home).find((u) => u.key !== order.key && u.pid === null && asksTheSame(u, order));
  return left && `${anewFor(order)} \`trainyard data remove ${left.name}\` deletes what was saved of it before.`;
}

function requireFraction(fraction: number | undefined): void {
  if (fraction === undefined || (fraction > 0 && fraction < 1)) return;
  throw new UsageError(`The part kept for validation must lie between 0 and 1, and ${fraction} does not.`);
}

/**
 * The dataset that is there already.
 * @param given whether its name was given, rather than made from what is in it
 * @throws UserError when one of this name is made of something else
 */
function existing(home: string, name: string, key: string, given: boolean): Manifest | undefined {
  const dir = path.join(home, 'datasets', name);
  const there = wholeDataset(dir);
  if (there ? there.key === key || (!given && there.key === undefined) : !given || !isDataset(dir)) {
    if (there) dropStaleClaim(home, name);
    return there;
  }
  throw new UserError(
    there
      ? `There is a dataset ${name} already, made of something else: choose another name, or remove it.`
      : `There is a damaged dataset ${name}: choose another name, or remove it.`,
  );
}
