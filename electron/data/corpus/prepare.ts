import fs from 'node:fs';
import path from 'node:path';
import type { Lock } from '../../base/lock.ts';
import { UsageError, UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../../exchange/safetensors/systemErrors.ts';
import { claimDataset, dropStaleClaim, requireClaim, whileClaimed } from '../claim.ts';
import { wholeDataset } from '../make.ts';
import type { Manifest } from '../shards/index.ts';
import { everything } from '../subsets.ts';
import type { Selection } from './documents.ts';
import { bytesOf, inspectInputs, nameOf, usualValFraction } from './inputs.ts';
import { Making } from './making.ts';
import { type CorpusOptions, usualMaxBad } from './options.ts';
import { makingDir } from './unfinished.ts';

export type { CorpusOptions, CorpusProgress } from './options.ts';

/**
 * Makes a dataset of documents in files of any size, with memory that does not grow with them: read, decompressed, parsed
 * and tokenised in worker threads, written bucket by bucket. Documents go to a bucket, and to validation, by their text
 * alone. It is whole or absent; what was done before a stop or a crash is not done again.
 * @throws UserError for files that are missing or changed meanwhile, too many bad lines, or a full disk
 */
export async function prepareCorpus(options: CorpusOptions): Promise<Manifest> {
  const { home, tokenizer, textField = 'text', where = [], subset = everything } = options;
  const { inputs, copies } = await inspectInputs(options.inputs);
  const valFraction = options.valFraction ?? usualValFraction(inputs);
  if (!(valFraction > 0 && valFraction < 1))
    throw new UsageError(`The part kept for validation must lie between 0 and 1, and ${valFraction} does not.`);
  const selection: Selection = { tokenizer, textField, where, subset, valFraction };
  const name = nameOf(inputs, selection);
  const dir = path.join(home, 'datasets', name);
  const there = wholeDataset(dir);
  if (there) {
    dropStaleClaim(home, name);
    return there;
  }
  const partial = makingDir(home, name);
  let claim: Lock | undefined;
  try {
    claim = claimDataset(home, name);
    // Another process may have finished it in the meantime.
    const quicker = wholeDataset(dir);
    if (quicker) return quicker;
    fs.mkdirSync(partial, { recursive: true });
    const { maxBad = usualMaxBad } = options;
    const order = {
      inputs: inputs.map((i) => i.path),
      tokenizer,
      textField,
      where: where.map((w) => ({ ...w, values: [...w.values] })),
      subset,
      valFraction,
      maxBad,
    };
    const signal = whileClaimed(claim, options.signal);
    const making = new Making({ ...options, signal }, selection, { inputs, copies }, name, partial, {
      ...order,
      totalBytes: bytesOf(inputs),
    });
    const manifest = await making.run();
    requireClaim(claim, name);
    fs.rmSync(dir, { recursive: true, force: true });
    fs.renameSync(partial, dir);
    return manifest;
  } catch (error) {
    if (claim) requireClaim(claim, name);
    if (options.signal?.aborted || error instanceof UserError || !isSystemError(error)) throw error;
    throw new UserError(
      `The dataset can't be written to ${partial}: ${meaningOf(error)}. What is done is kept: make room, and the same command goes on.`,
    );
  } finally {
    claim?.release();
  }
}
