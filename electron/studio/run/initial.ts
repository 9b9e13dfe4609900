import fs from 'node:fs';
import path from 'node:path';
import { files } from '../../engine/checkpoint/index.ts';
import type { RunConfig } from '../../engine/config.ts';
import { requireCompatible } from '../../engine/trainer/initialWeights.ts';
import { UserError } from '../../errors.ts';
import { isSystemError, meaningOf } from '../../exchange/safetensors/systemErrors.ts';
import { runDir } from '../home.ts';

/** Where the weights are kept that a run begins with: the checkpoint that they come from may be deleted. */
const initialFile = (home: string, id: string): string => path.join(runDir(home, id), 'initial', files.model);

/**
 * The file of a run's initial weights, where it has them.
 * @param fresh the run begins now: else it needs them only when it has to go back to its beginning
 * @throws UserError when a fresh run's are gone
 */
export function initialWeightsOf(
  home: string,
  id: string,
  config: RunConfig,
  fresh: boolean,
): { initialWeights?: string } {
  if (!config.init) return {};
  const initialWeights = initialFile(home, id);
  if (fs.existsSync(initialWeights)) return { initialWeights };
  if (!fresh) return {};
  throw new UserError(`The weights that the run ${id} begins with are gone: ${initialWeights} is missing.`);
}

/** @throws UserError when a run's tokens are not those of the model that it begins with */
export function requireSameTokens(tokenizer: string, parent: string): void {
  if (tokenizer === parent) return;
  throw new UserError(
    `The model reads ${parent} tokens and the run ${tokenizer}: they must be the same; --tokenizer of \`data add\` takes a run's.`,
  );
}

/** @throws UserError when a run can't begin with a checkpoint of another one */
export function requireParent(config: RunConfig, parent: RunConfig): void {
  requireSameTokens(config.tokenizer, parent.tokenizer);
  requireCompatible(config.model, parent.model, config.init?.positions);
}

/** Copies the weights of a checkpoint to where a new run finds them. @throws UserError when they can't be copied */
export function copyInitialWeights(home: string, id: string, checkpoint: string): void {
  const file = initialFile(home, id);
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    // Where the file system can, without taking space twice.
    fs.copyFileSync(path.join(checkpoint, files.model), file, fs.constants.COPYFILE_FICLONE);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The weights of ${checkpoint} can't be copied to the new run: ${meaningOf(error)}.`);
  }
}
