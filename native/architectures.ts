/** GPUs that kernels are compiled for, by compute capability: 86 is 8.6. */
import fs from 'node:fs';
import path from 'node:path';
import { BuildError } from './toolchain.ts';

/** Those that can have code of their own; newer ones compile the last one's as they start. */
const architectures: readonly number[] = [80, 86, 89, 90];

const chosenFile = path.join(import.meta.dirname, 'build', 'trainyard_cuda.architectures');

/** What the CUDA addon is compiled for: all, unless it was asked for some. */
export const chosenArchitectures = (): readonly number[] =>
  fs.existsSync(chosenFile) ? fs.readFileSync(chosenFile, 'utf8').split(' ').map(Number) : architectures;

/** Has the CUDA addon compiled for these, now and when it is asked whether it is up to date. Nothing: for all. */
export function chooseArchitectures(chosen: readonly number[] = architectures): void {
  fs.mkdirSync(path.dirname(chosenFile), { recursive: true });
  fs.writeFileSync(chosenFile, chosen.join(' '));
}

/**
 * What is compiled for these GPUs: the nearest that each can run.
 * @param gpus compute capabilities, such as 86 @throws BuildError when one is too old
 */
export function architecturesFor(gpus: readonly number[]): number[] {
  const found = gpus.map((gpu) => architectures.findLast((sm) => sm <= gpu));
  const old = gpus[found.indexOf(undefined)];
  if (old)
    throw new BuildError(
      `There are no kernels for compute capability ${(old / 10).toFixed(1)}: it takes 8.0 or newer.`,
    );
  return [...new Set(found as number[])].sort((a, b) => a - b);
}
