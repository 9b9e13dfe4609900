import { UserError } from '../../base/errors.ts';
import type { Run } from '../store/index.ts';

/** @throws UserError when a run was stopped early: its user has said that it is complete */
export function requireGoesOn({ id, stoppedEarly, step }: Run): void {
  if (!stoppedEarly) return;
  throw new UserError(
    `The run ${id} was stopped early at step ${step} and can't be resumed: continue it with new phases, or start a new run from its checkpoint.`,
  );
}
