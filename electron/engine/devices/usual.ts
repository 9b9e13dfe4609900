import { messageOf, UserError } from '../../errors.ts';
import type { RunConfig, RunDevice } from '../config.ts';
import { lookAtGpu } from './cuda/device.ts';

let usual: RunDevice | undefined;

/** What a run trains on where nobody says: the first GPU where it can be used, else the processor. */
export function usualDevice(): RunDevice {
  if (usual) return usual;
  try {
    lookAtGpu(0);
    usual = 'cuda';
  } catch {
    usual = 'cpu'; // there is none, it is too old, or the addon is not built
  }
  return usual;
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
