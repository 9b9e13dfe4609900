import { messageOf } from '../../base/errors.ts';
import { listCheckpoints } from './list.ts';
import { type OpenedCheckpoint, type OpenOptions, openCheckpoint } from './open.ts';

export interface RefusedCheckpoint {
  readonly dir: string;
  readonly step: number;
  readonly reason: string;
}

export interface LatestCheckpoint {
  /** The last one that is whole; null where there is none. */
  readonly checkpoint: OpenedCheckpoint | null;
  /** Later ones that are damaged, the latest first. */
  readonly refused: readonly RefusedCheckpoint[];
}

/** The checkpoint to go on from: the last one that passes every check, and which later ones did not. */
export async function latestValid(root: string, options: OpenOptions = {}): Promise<LatestCheckpoint> {
  const refused: RefusedCheckpoint[] = [];
  for (const { step, dir } of (await listCheckpoints(root)).reverse()) {
    try {
      return { checkpoint: await openCheckpoint(dir, options), refused };
    } catch (error) {
      refused.push({ dir, step, reason: messageOf(error) });
    }
  }
  return { checkpoint: null, refused };
}
