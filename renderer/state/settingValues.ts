import type { Setting } from '../../electron/api/types.ts';

/** Whether a setting has a field that its table describes; others have controls of their own: phases, data, prompts, the device. */
export const hasField = ({ kind, label, path }: Setting): boolean =>
  kind !== 'other' && label !== '' && path !== 'device.kind';

/** What a form starts with: empty where that means something. */
export const initial = ({ kind, optional, default: value, start }: Setting): unknown =>
  kind === 'toggle' ? (value ?? false) : optional ? null : (value ?? start ?? null);

type Tree = Record<string, unknown>;
const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);

/** A value of a config, by its path; undefined: it is not in it. */
export const at = (config: unknown, path: string): unknown =>
  path.split('.').reduce((node, key) => (isTree(node) ? node[key] : undefined), config);

/** A config with another value at a path; undefined: without one. */
export function withValue(config: Tree, path: string, value: unknown): Tree {
  const [key, ...rest] = path.split('.') as [string, ...string[]];
  if (rest.length > 0) {
    const inner = isTree(config[key]) ? config[key] : {};
    return value === undefined && !(key in config)
      ? config
      : { ...config, [key]: withValue(inner, rest.join('.'), value) };
  }
  if (value !== undefined) return { ...config, [key]: value };
  const { [key]: _, ...without } = config;
  return without;
}
