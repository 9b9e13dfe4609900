/** What a run is colored by. */
export interface Made {
  readonly id: string;
  readonly createdAt: number;
}

/**
 * The place of each of some runs that are drawn together, by its id: the one that was created first has the first color. So a run has the same
 * color on every page that draws it with the same others, in whatever order that lists them, and one that is added last changes none.
 */
export function placesOf(runs: readonly Made[]): ReadonlyMap<string, number> {
  const each = [...new Map(runs.map((run) => [run.id, run])).values()];
  const inOrder = each.sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  return new Map(inOrder.map(({ id }, place) => [id, place]));
}
