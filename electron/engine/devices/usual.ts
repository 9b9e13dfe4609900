import { messageOf, UserError } from '../../errors.ts';
import type { RunConfig, RunDevice } from '../config.ts';
import { countGpus, lookAtGpu } from './cuda/device.ts';

/** What a run trains on where nobody says: a GPU where there is one that can be used, else the processor. */
export function usualDevice(): RunDevice {
  try {
    return countGpus() > 0 ? 'cuda' : 'cpu';
  } catch {
    return 'cpu'; // the addon is not built
  }
}

/** @throws UserError when a run asks for a GPU that is not there */
export function requireDevice({ kind, gpu = 0 }: RunConfig['device']): void {
  if (kind !== 'cuda') return;
  try {
    lookAtGpu(gpu);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${messageOf(error)}. \`trainyard doctor\` says what this machine has; --device cpu trains without a GPU.`,
    );
  }
}
