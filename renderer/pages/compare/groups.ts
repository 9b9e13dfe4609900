import type { RunGroup } from '../../charts/chartedRun.ts';
import { valueText } from './configDiff.ts';
import { groupText } from './text.ts';

interface Grouped {
  readonly id: string;
  readonly run: { readonly tags: readonly string[] };
  readonly details: { readonly config: unknown };
}

/** What runs are grouped by: `tag`, or a setting by its path. */
const settingPrefix = 'setting:';
export const bySetting = (path: string): string => settingPrefix + path;

type Tree = Readonly<Record<string, unknown>>;

/** What a path leads to; undefined where it leads nowhere. */
const at = (config: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((node, key) => (node as Tree | null | undefined)?.[key], config);

/**
 * The groups of some runs, in the order of their first ones; none where nothing is grouped by. A run is in the group of each of its
 * tags.
 * @param labelOf what a setting is called
 */
export function groupsOf(
  runs: readonly Grouped[],
  by: string,
  labelOf: (path: string) => string = (path) => path,
): RunGroup[] {
  if (by !== 'tag' && !by.startsWith(settingPrefix)) return [];
  const path = by === 'tag' ? undefined : by.slice(settingPrefix.length);
  const keysOf = ({ run, details }: Grouped): readonly string[] => {
    if (path === undefined) return run.tags.length > 0 ? run.tags : [groupText.noTag];
    return [valueText(path, at(details.config, path))];
  };
  const groups = new Map<string, string[]>();
  for (const run of runs) {
    for (const key of keysOf(run)) groups.set(key, [...(groups.get(key) ?? []), run.id]);
  }
  return [...groups].map(([key, ids]) => ({
    key,
    label: groupText.label(path === undefined ? key : `${labelOf(path)}: ${key}`, ids.length),
    runs: ids,
  }));
}
