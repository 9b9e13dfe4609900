import { formatCount, plural } from '../../format.ts';
import type { BulkActName, Obstacle } from './bulk.ts';
import type { ColumnName } from './columns.ts';

export const runsText = {
  title: 'Runs',
  new: 'New run',
  search: 'Search runs',
  searchHint: 'Name, ID, tag, dataset or note',
  state: 'State',
  anyState: 'All states',
  archived: 'Archived',
  active: 'Runs',
  none: 'No runs yet',
  noneHint: 'Train a GPT on your own text, or see first how it goes.',
  sampleStories: 'Train on sample stories',
  sampleStoriesHint: 'A model of 0.8M parameters on made-up stories: minutes on a CPU, nothing to download.',
  noneArchived: 'No archived runs',
  filtered: 'No matching runs',
  clear: 'Clear filters',
  count: (n: number) => plural(n, 'run'),
  countOf: (n: number, all: number) => `${formatCount(n)} of ${plural(all, 'run')}`,
  pick: (name: string) => `Select ${name}`,
  pickAll: 'Select all matching runs',
  chooseColumns: 'Columns',
  resetColumns: 'Default columns',
  curveOf: (first: string, last: string) => `Train loss from ${first} to ${last}`,
  finishes: (when: string) => `At the current speed it finishes ${when}`,
  trained: 'Time spent training, without pauses',
  columns: {
    name: 'Run',
    state: 'State',
    progress: 'Progress',
    loss: 'Train loss, nats/token',
    curve: 'Loss curve',
    valLoss: 'Best val loss, nats/token',
    bitsPerByte: 'Bits/byte',
    time: 'ETA / duration',
    tokenizer: 'Tokenizer',
    parameters: 'Parameters',
    dataset: 'Data',
    tokens: 'Tokens',
    created: 'Created',
    ended: 'Ended',
    tokensPerSecond: 'Tokens/s',
    optimizer: 'Optimizer',
    precision: 'Precision',
    device: 'Device',
    preset: 'Preset',
    id: 'ID',
  } satisfies Record<ColumnName | 'name', string> as Readonly<Record<ColumnName | 'name', string>>,
} as const;

const runs = (n: number): string => plural(n, 'run');

export const bulkText = {
  label: 'Selected runs',
  selected: (n: number, hidden: number) =>
    `${plural(n, 'run')} selected${hidden > 0 ? `, ${formatCount(hidden)} of them hidden by the filter` : ''}`,
  clear: 'Clear selection',
  compare: (n: number) => `Compare ${runs(n)}`,
  tooMany: (max: number) => `Select up to ${runs(max)} to compare`,
  tag: 'Tag…',
  acts: { pause: 'Pause', stop: 'Stop', archive: 'Archive', unarchive: 'Unarchive', remove: 'Delete' },
  titles: {
    pause: (n) => `Pause ${runs(n)}?`,
    stop: (n) => `Stop ${runs(n)} early?`,
    archive: (n) => `Archive ${runs(n)}?`,
    unarchive: (n) => `Unarchive ${runs(n)}?`,
    remove: (n) => `Delete ${runs(n)}?`,
  } satisfies Record<BulkActName, (n: number) => string> as Readonly<Record<BulkActName, (n: number) => string>>,
  about: {
    pause: 'Each saves a checkpoint after its current step, and can be resumed. Queued runs leave the queue.',
    stop: 'Each ends after its current step with a final evaluation and checkpoint, paused ones as they are. They are completed and can’t be resumed; to resume them later, pause them. Queued runs leave the queue.',
    archive: 'Archived runs keep everything and can be unarchived. Queued runs leave the queue.',
    unarchive: 'They are listed with the other runs again.',
    remove: 'This permanently deletes their metrics, samples and checkpoints. Datasets are kept.',
  },
  yes: {
    pause: (n) => `Pause ${runs(n)}`,
    stop: (n) => `Stop ${runs(n)} early`,
    archive: (n) => `Archive ${runs(n)}`,
    unarchive: (n) => `Unarchive ${runs(n)}`,
    remove: (n) => `Delete ${runs(n)}`,
  } satisfies Record<BulkActName, (n: number) => string> as Readonly<Record<BulkActName, (n: number) => string>>,
  done: {
    pause: (n) => `${runs(n)} pausing`,
    stop: (n) => `${runs(n)} stopping`,
    archive: (n) => `${runs(n)} archived`,
    unarchive: (n) => `${runs(n)} unarchived`,
    remove: (n) => `${runs(n)} deleted`,
    tag: (n) => `${runs(n)} tagged`,
  } satisfies Record<BulkActName | 'tag', (n: number) => string> as Readonly<
    Record<BulkActName | 'tag', (n: number) => string>
  >,
  leftOut: (n: number) => `${runs(n)} left out:`,
  obstacles: {
    active: 'training',
    pausing: 'already pausing',
    ending: 'already stopping',
    resting: 'not training',
    ended: 'not training or paused',
    archived: 'already archived',
    notArchived: 'not archived',
  } satisfies Record<Obstacle, string> as Readonly<Record<Obstacle, string>>,
  names: (names: readonly string[], more: number) =>
    `${names.join(', ')}${more > 0 ? ` and ${formatCount(more)} more` : ''}`,
  refused: (n: number, reasons: string) => `${runs(n)} left unchanged. ${reasons}`,
} as const;

export const tagText = {
  title: (n: number) => `Tag ${runs(n)}`,
  label: 'Tags to add',
  add: 'Add tags',
  remove: 'Remove tags',
  apply: (n: number) => `Apply to ${runs(n)}`,
} as const;

export const importText = {
  import: 'Import',
  importing: 'Importing…',
  importTitle: 'Import model',
  importHint:
    'A Hugging Face GPT-2 folder: config.json, model.safetensors and tokenizer files. It becomes a run that you can evaluate, generate from and fine-tune.',
  importModel: 'Import model',
  name: 'Name (optional)',
  dropRows: 'Drop extra vocabulary rows (padding, added tokens)',
} as const;
