import type { MixPart, Phase, Setting } from '../../../electron/api/types.ts';
import { formatCount, formatDigits, formatRate, plural } from '../../format.ts';
import { phaseKinds } from '../../text.ts';
import { configText } from './text.ts';

type Tree = Readonly<Record<string, unknown>>;
const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);

interface Subset {
  readonly from: number;
  readonly to: number;
}
const isSubset = (x: unknown): x is Subset => isTree(x) && Object.keys(x).sort().join() === 'from,to';

/** Values of a config by their dotted paths. Lists and subsets are values. */
function leavesOf(config: unknown, path = ''): Map<string, unknown> {
  if (!isTree(config) || isSubset(config)) return new Map([[path, config]]);
  return new Map(
    Object.entries(config).flatMap(([key, value]) => [...leavesOf(value, path === '' ? key : `${path}.${key}`)]),
  );
}

/** A setting in which runs differ. */
export interface Difference {
  readonly path: string;
  /** Of each run, in their order; undefined: its config says nothing of it. */
  readonly values: readonly unknown[];
}

/** The settings in which some configs differ, in the order of `order`, others behind. */
export function differences(configs: readonly unknown[], order: readonly string[]): Difference[] {
  const leaves = configs.map((config) => leavesOf(config));
  const paths = [...new Set(leaves.flatMap((of) => [...of.keys()]))];
  const place = (path: string) => {
    const at = order.indexOf(path);
    return at < 0 ? order.length : at;
  };
  return paths
    .map((path) => ({ path, values: leaves.map((of) => of.get(path)) }))
    .filter(({ values }) => new Set(values.map((v) => JSON.stringify(v))).size > 1)
    .sort((a, b) => place(a.path) - place(b.path));
}

/** Where settings that have no field of their own stand: before all others. */
const first = ['dataset', 'tokenizer', 'init.run', 'init.step', 'init.positions'];

/** The order in which settings are told. */
export const orderOf = (settings: readonly Setting[]): string[] => [...first, ...settings.map(({ path }) => path)];

/** What a setting is called, as on the page where it is set. */
export const labelOf = (path: string, settings: readonly Setting[]): string =>
  settings.find((s) => s.path === path)?.label || (configText.labels[path] ?? path);

const subsetText = ({ from, to }: Subset): string => `${from}–${to} %`;
const isWhole = ({ from, to }: Subset): boolean => from === 0 && to === 100;

const mixText = (mix: readonly MixPart[]): string =>
  mix
    .map(
      ({ dataset, subset, weight }) =>
        `${weight === 1 ? '' : `${formatDigits(weight, 4)} × `}${dataset}${isWhole(subset) ? '' : ` ${subsetText(subset)}`}`,
    )
    .join(' + ');

function phaseText({ kind, steps, tokens, from, to, mix, subset, ...others }: Phase): string {
  const length = steps === undefined ? plural(tokens ?? 0, 'token') : plural(steps, 'step');
  const rates = kind === 'constant' ? formatRate(from) : `${formatRate(from)} → ${formatRate(to)}`;
  const rest = Object.entries(others).flatMap(([key, value]) =>
    value === undefined ? [] : [`${configText.phase[key] ?? key} ${String(value)}`],
  );
  return [
    `${phaseKinds[kind] ?? kind} ${length}`,
    rates,
    ...rest,
    ...(subset ? [subsetText(subset)] : []),
    ...(mix ? [mixText(mix)] : []),
  ].join(', ');
}

/** A value for people, a line for each of several. */
export function valueLines(path: string, value: unknown): string[] {
  if (value === undefined) return ['–'];
  if (path === 'phases') return (value as Phase[]).map((phase, i) => `${i + 1}. ${phaseText(phase)}`);
  if (path === 'mix') return [mixText(value as MixPart[])];
  if (isSubset(value)) return [subsetText(value)];
  if (typeof value === 'boolean') return [value ? configText.on : configText.off];
  if (typeof value === 'number') return [Number.isInteger(value) ? formatCount(value) : formatRate(value)];
  if (Array.isArray(value)) return value.length === 0 ? ['–'] : value.map((part) => JSON.stringify(part));
  return [typeof value === 'string' ? value : JSON.stringify(value)];
}

/** The same in one line: the name of a group. */
export const valueText = (path: string, value: unknown): string => valueLines(path, value).join('; ');
