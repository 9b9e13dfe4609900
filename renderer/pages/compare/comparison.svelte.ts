import { untrack } from 'svelte';
import type { RunView } from '../../../electron/api/types.ts';
import { placesOf } from '../../charts/looks.ts';
import { runList } from '../../state/runList.svelte.ts';
import { LiveRun } from '../run/live.svelte.ts';
import type { Compared } from './compared.ts';

const isActive = (run: RunView | undefined): boolean => run?.state === 'training' || run?.state === 'preparing';

/** Some runs as they are now. Those that train are followed; what rests is read once, and again when it is resumed. */
export class Comparison {
  readonly runs: readonly LiveRun[];

  /** To be called while a component is made: it follows them as long as that is there. */
  constructor(ids: readonly string[]) {
    this.runs = ids.filter((id, i) => ids.indexOf(id) === i).map((id) => new LiveRun(id));
    for (const live of this.runs) {
      const listed = $derived(runList.all?.find((run) => run.id === live.id));
      const wanted = $derived(
        live.error === undefined && (live.details === undefined || isActive(live.run) || isActive(listed)),
      );
      $effect(() => (wanted ? untrack(() => live.follow()) : undefined));
    }
  }

  /** Those that are read, in order. */
  readonly there = $derived.by((): readonly Compared[] => {
    const places = placesOf(this.runs.flatMap(({ run }) => (run ? [run] : [])));
    return this.runs.flatMap(({ id, run, details, series, events }): Compared[] =>
      run && details ? [{ id, order: places.get(id)!, run, details, series, events }] : [],
    );
  });
  /** What can't be read, and why. */
  readonly problems = $derived.by(() =>
    this.runs.flatMap(({ id, error }) => (error === undefined ? [] : [{ id, error }])),
  );
  readonly isPending = $derived.by(() => this.there.length + this.problems.length < this.runs.length);
}
