import fs from 'node:fs';
import path from 'node:path';
import { files } from '../../engine/checkpoint/index.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { requireCompatible } from '../../engine/run/initialWeights.ts';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { runDir } from '../home.ts';

/** Where the weights are kept that a run begins with: the checkpoint that they come from may be deleted. */
const initialFile = (dir: string): string => path.join(dir, 'initial', files.model);

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
  const initialWeights = initialFile(runDir(home, id));
  if (fs.existsSync(initialWeights)) return { initialWeights };
  if (!fresh) return {};
  throw new UserError(`The initial weights of the run ${id} are missing: ${initialWeights} not found.`);
}

/** @throws UserError when a run's tokens are not those of the model that it begins with */
export function requireSameTokens(tokenizer: string, parent: string): void {
  if (tokenizer === parent) return;
  throw new UserError(
    `The model uses the tokenizer ${parent} and the run ${tokenizer}: they must be the same; --tokenizer of \`data add\` takes a run's.`,
  );
}

/** @throws UserError when a run can't begin with a checkpoint of another one */
export function requireParent(config: RunConfig, parent: RunConfig): void {
  requireSameTokens(config.tokenizer, parent.tokenizer);
  requireCompatible(config.model, parent.model, config.init?.positions);
}

/**
 * Puts the weights of a checkpoint where a new run finds them.
 * @param dir the run's folder
 * @throws UserError when they can't be copied
 */
export async function copyInitialWeights(dir: string, checkpoint: string): Promise<void> {
  const file = initialFile(dir);
  const from = path.join(checkpoint, files.model);
  try {
    await fs.promises.mkdir(path.dirname(file), { recursive: true });
    // A checkpoint's files are never changed: where the file system can, they are not copied.
    if (!(await linked(from, file))) await fs.promises.copyFile(from, file, fs.constants.COPYFILE_FICLONE);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw new UserError(`The weights of ${checkpoint} can't be copied to the new run: ${meaningOf(error)}.`);
  }
}

const linked = (from: string, to: string): Promise<boolean> =>
  fs.promises.link(from, to).then(
    () => true,
    () => false,
  );
