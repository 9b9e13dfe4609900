type Tree = Readonly<Record<string, unknown>>;

/** A setting that a preset has otherwise. */
export interface Change {
  readonly path: string;
  readonly preset: unknown;
  readonly run: unknown;
}

const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);

/** What of a preset's settings a run has otherwise, by dotted path. Settings that the preset leaves open are no change. */
export function changesFrom(preset: Tree, run: Tree, path = ''): Change[] {
  return Object.entries(preset).flatMap(([key, value]): Change[] => {
    const here = path === '' ? key : `${path}.${key}`;
    const other = run[key];
    if (isTree(value) && isTree(other)) return changesFrom(value, other, here);
    return JSON.stringify(value) === JSON.stringify(other) ? [] : [{ path: here, preset: value, run: other }];
  });
}
