import { formatCount, plural } from '../../format.ts';
import { tokenizerName } from '../../text.ts';
import type { EvalColumn } from './rows.ts';

export const evalsText = {
  title: 'Evals',
  hint: 'Validation loss and HellaSwag of checkpoints, with published baselines',
  none: 'No checkpoints yet',
  settings: 'Evaluation settings',
  evaluate: 'Run validation',
  runHellaswag: 'Run HellaSwag',
  sequences: 'Sequences',
  dataset: 'Validation data',
  ownDataset: 'Run default',
  ownDevice: 'Run default',
  itemCount: 'HellaSwag items',
  file: 'HellaSwag file (blank: official val set)',
  fileHint:
    'The official val set has 10,042 items. It is downloaded once from the authors’ repository; without a network, download hellaswag_val.jsonl elsewhere and enter its path here. Progress is saved: a cancelled evaluation resumes where it stopped.',
  progress: (done: number, total: number) => `${formatCount(done)} of ${formatCount(total)}`,
  queued: 'queued',
  pinned: 'pinned',
  pinnedOf: 'Pinned checkpoints of',
  allRuns: (n: number) => `All runs (${formatCount(n)})`,
  runPinned: (name: string, n: number) => `${name} (${formatCount(n)})`,
  evaluateAll: 'Run validation on all',
  hellaswagAll: 'Run HellaSwag on all',
  nonePinned: 'Pin checkpoints on a run’s Checkpoints tab to evaluate them together.',
  submitted: (jobs: number, there: number) =>
    `${plural(jobs, 'evaluation')} queued${there > 0 ? `, ${formatCount(there)} already running or queued` : ''}`,
  batch: 'Evaluations',
  far: (done: number, total: number, failed: number) =>
    `${formatCount(done)} of ${plural(total, 'evaluation')} done${failed > 0 ? `, ${formatCount(failed)} failed` : ''}`,
  cancelAll: 'Cancel all',
  failed: (kind: string, message: string) => `${kind === 'validation' ? 'Validation' : 'HellaSwag'} failed: ${message}`,
  starting: 'starting',
  fetching: (done: string, total: string) => `downloading ${done} of ${total}`,
  items: (done: string, total: string, acc: string | undefined) =>
    `${done} of ${total}${acc === undefined ? '' : `, acc ${acc}`}`,
  published: 'published',
  chart: 'HellaSwag accuracy',
  all: 'All runs',
  columns: {
    run: 'Run',
    step: 'Step',
    loss: 'Val loss, nats/token',
    perplexity: 'Perplexity',
    bitsPerByte: 'Bits/byte',
    acc: 'HellaSwag accuracy',
    accNorm: 'acc_norm',
  } satisfies Record<EvalColumn, string>,
  search: 'Filter by run, data or tokenizer',
  pinnedAlone: 'Pinned only',
  shown: (n: number, all: number) => (n === all ? plural(n, 'row') : `${formatCount(n)} of ${plural(all, 'row')}`),
  ownData: 'run dataset',
  tokensOf: (tokenizer: string) => `${tokenizerName(tokenizer)} tokenizer`,
} as const;
