import { UserError } from '../../base/errors.ts';

/** A checkpoint that must not be used: incomplete, truncated or altered. The message names the file and the difference. */
export class CheckpointError extends UserError {
  override readonly name = 'CheckpointError';
}
