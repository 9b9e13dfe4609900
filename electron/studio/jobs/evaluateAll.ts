import { setImmediate } from 'node:timers/promises';
import { messageOf, UserError } from '../../base/errors.ts';
import type { Studio } from '../studio.ts';
import type { EvaluateAllInput } from './inputs.ts';
import type { JobInputOf } from './kinds.ts';

/** What is asked of several checkpoints: the jobs, and what could not be queued. */
export interface Submitted {
  readonly jobs: readonly number[];
  /** Checkpoints whose evaluation runs or waits already. */
  readonly there: number;
  /** Why others are refused, each reason once. */
  readonly problems: readonly string[];
}

/**
 * Queues an evaluation of every pinned checkpoint, of a run or of all that are not archived: the latest steps first.
 * @throws UserError when none is pinned
 */
export async function evaluateAll(studio: Studio, { run: only, ...asked }: EvaluateAllInput): Promise<Submitted> {
  const { store, jobs } = studio;
  const runs = only === undefined ? store.runs.list({ archived: false }) : [store.runs.get(only)];
  const checkpoints = store.checkpoints.listAll();
  const targets = runs.flatMap(({ id }) =>
    (checkpoints.get(id) ?? [])
      .filter(({ kept }) => kept)
      .map(({ step }) => ({ id, step }))
      .sort((a, b) => b.step - a.step),
  );
  if (targets.length === 0)
    throw new UserError("No checkpoint is pinned: pin checkpoints on the Checkpoints tab of a run's page.");
  const active = store.jobs.list({ state: ['queued', 'running'] });
  const there = new Set(active.map(({ kind, input }) => keyOf(kind, input)));
  const [made, problems] = [[] as number[], new Set<string>()];
  let before = 0;
  for (const target of targets) {
    // Of hundreds no window waits for more than one.
    await setImmediate();
    try {
      const { kind, ...how } = asked;
      const input = { ...target, ...how };
      if (there.has(keyOf(kind, input))) before++;
      else made.push(jobs.submit(kind, input as JobInputOf<typeof kind>).id);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.add(messageOf(error));
    }
  }
  return { jobs: made, there: before, problems: [...problems] };
}

const keyOf = (kind: string, input: unknown): string =>
  JSON.stringify([kind, Object.entries(input as object).sort(([a], [b]) => (a < b ? -1 : 1))]);
