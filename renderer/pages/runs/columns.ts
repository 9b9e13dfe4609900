import type { RunView } from '../../../electron/api/types.ts';
import { type Key, known, sortedBy, withWords } from '../../ui/sorting.ts';

/** Columns of the list of runs behind the name, in their order. */
export const columnNames = [
  'state',
  'progress',
  'loss',
  'curve',
  'valLoss',
  'bitsPerByte',
  'time',
  'parameters',
  'dataset',
  'created',
  'ended',
  'tokens',
  'tokensPerSecond',
  'tokenizer',
  'optimizer',
  'precision',
  'device',
  'preset',
  'id',
] as const;
export type ColumnName = (typeof columnNames)[number];
export type SortColumn = 'name' | Exclude<ColumnName, 'curve'>;

/** Those that are shown where nobody has chosen: as many as a usual window has room for. */
export const defaultColumns: readonly ColumnName[] = columnNames.slice(0, columnNames.indexOf('created') + 1);

/** How wide they are, in rem: rows that come and go as a list is scrolled must not move them. */
export const widths: Readonly<Record<ColumnName, number>> = {
  state: 8.6,
  progress: 6.4,
  loss: 5.4,
  curve: 5.8,
  valLoss: 5.4,
  bitsPerByte: 4.6,
  time: 5.6,
  parameters: 5.7,
  dataset: 5.4,
  created: 6.2,
  ended: 6.2,
  tokens: 4.6,
  tokensPerSecond: 6.2,
  tokenizer: 5.8,
  optimizer: 6.8,
  precision: 5.6,
  device: 5,
  preset: 6.5,
  id: 10.5,
};

/** The least width of the name. */
export const nameWidth = 8.9;

/** The width of a row's checkbox. */
export const checkWidth = 2;

/** What is left out last where a window is narrow, the other way round. */
const wanted: readonly ColumnName[] = ['state', 'progress', 'valLoss', 'loss', 'time', 'curve', 'created'];

/** The columns that a table has room for where nobody has chosen. @param room its width in rem */
export function defaultColumnsIn(room: number): readonly ColumnName[] {
  const byWant = [...wanted, ...defaultColumns.filter((name) => !wanted.includes(name))];
  let left = room - checkWidth - nameWidth;
  const fits = byWant.map((name) => (left -= widths[name]) >= 0);
  return defaultColumns.filter((name) => fits[byWant.indexOf(name)]);
}

/** Columns of numbers. */
export const numeric: ReadonlySet<string> = new Set<SortColumn>([
  'loss',
  'valLoss',
  'bitsPerByte',
  'parameters',
  'tokens',
  'tokensPerSecond',
]);
/** What is best where it is great, or new: a first click puts that on top. Of losses the lowest is. */
const greatestFirst: ReadonlySet<SortColumn> = new Set(['parameters', 'tokens', 'tokensPerSecond', 'created', 'ended']);
export const startsDown = (column: SortColumn): boolean => greatestFirst.has(column);

export const isActive = ({ state }: Pick<RunView, 'state'>): boolean => state === 'training' || state === 'preparing';

/** The state by which a run is found and sorted: one that was stopped early is not among those that have trained all of their steps. */
export const listed = ({ state, stoppedEarly }: Pick<RunView, 'state' | 'stoppedEarly'>): string =>
  stoppedEarly ? 'stoppedEarly' : state;

/** Seconds that a training run still needs at the speed of its last steps; null where that is not known. */
export function secondsLeft({ state, tokensPerSecond, tokensSeen, tokensTotal }: RunView): number | null {
  if (state !== 'training' || tokensTotal === null || !tokensPerSecond) return null;
  return Math.max(0, tokensTotal - tokensSeen) / tokensPerSecond;
}

const keys: Readonly<Record<SortColumn, (run: RunView) => Key>> = {
  name: (r) => [r.name.toLowerCase()],
  state: (r) => [r.stoppedEarly ? listed(r) : r.doing],
  progress: (r) => [r.step / (r.stepsTotal || 1)],
  // Losses per token of two tokenizers are no ranking: one tokenizer after the other.
  loss: (r) => [r.tokenizer, known(r.lastLoss)],
  valLoss: (r) => [r.tokenizer, known(r.bestValLoss)],
  bitsPerByte: (r) => [known(r.bestBitsPerByte)],
  time: (r) => [isActive(r) ? 0 : 1, secondsLeft(r) ?? r.trainedMs],
  parameters: (r) => [r.parameters],
  dataset: (r) => [r.data],
  created: (r) => [r.createdAt],
  ended: (r) => [r.endedAt],
  tokens: (r) => [r.tokensSeen],
  tokensPerSecond: (r) => [r.tokensPerSecond],
  tokenizer: (r) => [r.tokenizer],
  optimizer: (r) => [r.optimizer],
  precision: (r) => [r.precision],
  device: (r) => [`${r.device.kind}:${r.device.gpu ?? ''}`],
  preset: (r) => [r.preset],
  id: (r) => [r.id],
};

/** Some runs in the order of a column. What is equal stays in the order that it has. */
export const sorted = (runs: readonly RunView[], column: SortColumn, down: boolean): RunView[] =>
  sortedBy(runs, keys[column], down);

/** Runs in a state whose name, ID, tags, data, notes or preset hold each of some words. */
export const matching = (runs: readonly RunView[], query: string, state: string): RunView[] =>
  withWords(
    runs.filter((run) => state === '' || listed(run) === state),
    query,
    (r) => `${r.name} ${r.id} ${r.tags.join(' ')} ${r.data} ${r.dataset} ${r.notes} ${r.preset}`,
  );
