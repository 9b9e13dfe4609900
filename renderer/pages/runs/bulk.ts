import type { RunView } from '../../../electron/api/types.ts';
import { isActive } from './columns.ts';

export const bulkActs = ['pause', 'stop', 'archive', 'unarchive', 'remove'] as const;
export type BulkActName = (typeof bulkActs)[number];

/** Why something can't be done to a run. */
export type Obstacle = 'active' | 'pausing' | 'ending' | 'resting' | 'ended' | 'archived' | 'notArchived';

/** Runs that are compared at most: more curves are told apart by nobody. */
export const maxCompared = 50;

function obstacleOf(act: BulkActName, run: RunView): Obstacle | undefined {
  switch (act) {
    case 'pause':
      if (run.doing === 'stopping') return 'ending';
      if (run.doing === 'pausing') return 'pausing';
      return isActive(run) || run.state === 'queued' ? undefined : 'resting';
    case 'stop':
      if (run.doing === 'stopping') return 'ending';
      return isActive(run) || run.state === 'queued' || run.state === 'paused' ? undefined : 'ended';
    case 'archive':
      if (run.archived) return 'archived';
      return isActive(run) ? 'active' : undefined;
    case 'unarchive':
      return run.archived ? undefined : 'notArchived';
    case 'remove':
      if (!run.archived) return 'notArchived';
      return isActive(run) ? 'active' : undefined;
  }
}

export interface BulkPlan {
  readonly act: BulkActName;
  /** Those that it is done to. */
  readonly runs: readonly RunView[];
  /** The others, by the reason. */
  readonly leftOut: readonly { readonly obstacle: Obstacle; readonly runs: readonly RunView[] }[];
}

/** To which of some runs something can be done, and why not to the others. */
export function planOf(act: BulkActName, runs: readonly RunView[]): BulkPlan {
  const leftOut = new Map<Obstacle, RunView[]>();
  const possible = runs.filter((run) => {
    const obstacle = obstacleOf(act, run);
    if (obstacle) leftOut.set(obstacle, [...(leftOut.get(obstacle) ?? []), run]);
    return obstacle === undefined;
  });
  return { act, runs: possible, leftOut: [...leftOut].map(([obstacle, of]) => ({ obstacle, runs: of })) };
}

/** Ids with one of a list picked or not; with Shift, all from the last one on. */
export function withPicked(
  picked: ReadonlySet<string>,
  list: readonly RunView[],
  { index, from }: { readonly index: number; readonly from: number | undefined },
): Set<string> {
  const now = new Set(picked);
  const isPicked = !picked.has(list[index]!.id);
  const [first, last] = from === undefined ? [index, index] : [Math.min(from, index), Math.max(from, index)];
  for (const { id } of list.slice(first, last + 1)) {
    if (isPicked) now.add(id);
    else now.delete(id);
  }
  return now;
}

/** Ids with all of a list picked, or none of it. */
export function withAll(picked: ReadonlySet<string>, list: readonly RunView[], isPicked: boolean): Set<string> {
  const now = new Set(picked);
  for (const { id } of list) {
    if (isPicked) now.add(id);
    else now.delete(id);
  }
  return now;
}
