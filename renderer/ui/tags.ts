import type { RunView } from '../../electron/api/types.ts';

/** As the studio takes them. */
export const maxTag = 50;
export const maxTags = 50;

/** What is typed as tags: commas part them; what is there already is not there twice. */
export const tagsOf = (typed: string, there: readonly string[] = []): string[] => [
  ...new Set(
    typed
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '' && !there.includes(tag)),
  ),
];

/** Tags of other runs that a run lacks and that have what is typed in them: those of most runs first. */
export function suggestedTags(
  runs: readonly Pick<RunView, 'tags'>[],
  there: readonly string[],
  typed: string,
  max = 8,
): string[] {
  const uses = new Map<string, number>();
  for (const tag of runs.flatMap((run) => run.tags)) uses.set(tag, (uses.get(tag) ?? 0) + 1);
  const part = typed.trim().toLowerCase();
  return [...uses]
    .filter(([tag]) => !there.includes(tag) && tag.toLowerCase().includes(part))
    .toSorted(([a, n], [b, m]) => m - n || a.localeCompare(b))
    .map(([tag]) => tag)
    .slice(0, max);
}
