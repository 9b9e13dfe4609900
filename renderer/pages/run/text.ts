import { formatCount, plural } from '../../format.ts';

export const runText = {
  stopTitle: 'Stop this run early?',
  stopText:
    'The current step becomes the last: final evaluation, samples and checkpoint follow, and the run is completed. To train the rest later, pause it instead.',
  stopPausedText: (step: string, steps: string) =>
    `The run is completed at step ${step} of ${steps} with its latest checkpoint and no final evaluation.`,
  stopYes: 'Stop early',
  pauseInstead: 'Pause instead',
  skipFinal: 'Skip final evaluation',
  more: 'More',
  archive: 'Archive',
  unarchive: 'Unarchive',
  remove: 'Delete run',
  removeTitle: (name: string) => `Delete ${name}?`,
  removeText: (n: number, size: string) =>
    `This permanently deletes its metrics, its samples and ${plural(n, 'checkpoint')} (${size}). Datasets are kept.`,
  elsewhere: 'Running in another process; commands are forwarded',
  bestValLoss: 'Best val loss',
  of: (step: string, steps: string) => `step ${step} of ${steps}`,
  tokensPerSecond: 'tokens/s',
  charts: 'Charts',
  phases: 'Phases',
  checkpoints: 'Checkpoints',
  samples: 'Samples',
  memory: 'Memory',
  config: 'Config',
  logs: 'Logs',
  sections: 'Run sections',
  editPhases: 'Edit upcoming phases',
  editPhasesHint: 'Started phases keep their LR; a running constant phase can be shortened or extended.',
  leftHint: (steps: number) =>
    `${plural(steps, 'step')} of the run’s own phases ${steps === 1 ? 'is' : 'are'} left. Train them as planned, or add other phases instead.`,
  finish: 'Train remaining steps',
  droppedHint: (step: string) =>
    `The phases below start at step ${step}, where the run was stopped, and replace what was left.`,
  endsEarly: (steps: string, length: string) => `${steps} of ${length}`,
  currentPhase: (unit: string) => `Length of current phase (${unit})`,
  applyPhases: 'Apply',
  applyAndResume: 'Apply and continue',
  continue: 'Continue training',
  phasesChanged: 'Phases updated',
  noCheckpoints: 'No checkpoints yet. Saved on schedule, on best val loss, and on pause and stop.',
  noSamples: 'No samples yet',
  deleteCheckpoint: (step: string) => `Delete checkpoint at step ${step}?`,
  deleteCheckpointText: 'This permanently deletes its weights.',
  pin: 'Pin',
  pinHint: 'Pinned checkpoints are never auto-deleted',
  generate: 'Generate',
  evaluateIt: 'Evaluate',
  showFolder: 'Show in folder',
  copyPath: 'Copy path',
  pathCopied: 'Path copied',
  same: 'Same as preset',
  fullConfig: 'Full config',
  rename: 'Name',
  expected: (promised: string, now: string) => `expected ${promised}, now ${now}`,
  took: (promised: string, took: string) => `expected ${promised}, took ${took}`,
  expectedBy: (how: 'measured' | 'computed', from: number) =>
    `Expected from ${how === 'measured' ? 'timed steps' : 'the cost model'}${from === 0 ? '' : `, at step ${formatCount(from)}`}`,
  addToQueue: 'Add to queue',
  removeFromQueue: 'Remove from queue',
  requested: 'Queued for after the current step',
} as const;

export const dataReadText = {
  title: 'Data used',
  none: 'No data yet',
  source: 'Dataset',
  steps: 'Steps',
  tokens: 'Tokens read',
  passes: 'Epochs',
  valLoss: 'Val loss, nats/token',
  gone: 'deleted',
} as const;

export const runMemoryText = {
  none: 'Available after start',
  imported: 'This model was imported: it was not trained here, so there is no memory plan.',
  what: 'Part',
  bytes: 'Bytes',
  size: 'Size',
  hint: 'Constant for the whole run',
  hintGpu: 'GPU memory, allocated at the start and constant for the whole run. The driver’s own memory comes on top.',
  planned: 'Planned',
  allocated: 'Allocated',
  host: 'Of that in host RAM (paged)',
  reserved: 'Reserved for later phases',
  moduleReserve: 'Reserved (kernels, CUDA graphs of later phases)',
  driver: 'Driver, kernels and CUDA graphs',
  scratch: 'Thread scratch',
} as const;

export const exportText = {
  export: 'Export',
  exporting: 'Exporting…',
  exportTitle: (step: string) => `Export step ${step}`,
  exportHint: 'Weights, config, tokenizer and model card, ready for Hugging Face Transformers.',
  exported: (dir: string) => `Exported to ${dir}`,
  dtype: 'Weight dtype',
  license: 'License',
  language: 'Languages',
  author: 'Author',
  notes: 'Model card notes',
  force: 'Overwrite existing export',
  fineTune: 'Fine-tune',
} as const;

export const titleText = {
  hint: 'Rename (F2)',
  empty: 'Enter a name.',
} as const;

export const notesText = {
  label: 'Notes',
  placeholder: 'Add notes…',
  typed: 'Not saved yet',
  saving: 'Saving…',
  saved: 'Saved',
  failed: (reason: string) => `Not saved, retrying: ${reason}`,
  now: (count: string) => `It has ${count} and is not saved.`,
} as const;

export const logsText = {
  find: 'Filter lines',
  level: 'Level',
  levels: { info: 'All', warning: 'Warnings and errors', error: 'Errors' },
  levelOf: { info: 'info', warning: 'warning', error: 'error' },
  follow: 'Follow',
  shown: (found: number, all: number) =>
    found === all ? plural(all, 'line') : `${formatCount(found)} of ${plural(all, 'line')}`,
  cut: (lines: number) => `Showing the latest ${plural(lines, 'line')}. Copy and download include all of them.`,
  copy: 'Copy',
  copied: (lines: number) => `Copied ${plural(lines, 'line')}`,
  download: 'Download',
  none: 'No events yet',
  noMatch: 'No matching lines',
  lines: 'Log lines',
  time: 'Time',
  step: 'Step',
  event: 'Event',
} as const;

/** What New run is opened with, and what is said then. */
export const againText = {
  duplicate: 'Duplicate',
  duplicateHint: 'New run with this config',
  copy: 'copy',
  duplicated: (name: string) => `Copied the whole config of ${name}.`,
  retry: 'retry',
  halvedRates: (name: string, from: string, to: string) =>
    `Copied ${name} with half the learning rate in all phases: peak ${to} instead of ${from}.`,
  branchLower: (step: string) =>
    `Starts from the checkpoint at step ${step}, with half the learning rate in all phases left.`,
  smallerBatch: (name: string, from: number, to: number) =>
    `Copied ${name} with a micro-batch of ${formatCount(to)} instead of ${formatCount(from)}. Tokens per step are the same.`,
  recompute: (name: string, policy: string) => `Copied ${name} with activation checkpointing: ${policy}.`,
  otherData: (name: string) => `Copied ${name} without its data: pick a dataset.`,
  branchAction: 'Branch',
  branchHint: 'New run from this checkpoint, with the config and the phases that are left',
  branch: 'branch',
  branched: (name: string, step: string) =>
    `Copied ${name} with the phases left after step ${step}. Weights come from that checkpoint; optimizer states start at zero.`,
  fineTuneHint: 'New run from this checkpoint on other data, with a fine-tuning recipe',
  fineTuned: 'fine-tuned',
  fineTuning: 'Fine-tuning recipe: a tenth of the peak learning rate, a short warmup, cosine decay. Pick a dataset.',
} as const;

/** Why a run ended by itself, and what can help. */
export const endedText = {
  titles: { diverged: 'Training diverged', memory: 'Out of memory', data: 'Data is missing', other: 'Training failed' },
  crashed: 'Training crashed',
  hints: {
    diverged: 'Resuming would diverge again. A lower learning rate helps most often.',
    memory: 'Free memory and resume, or train with less.',
    data: 'Add the dataset again and resume, or train on another one.',
  },
  halvedRates: (from: string, to: string) => `Retry with half the learning rate (${from} → ${to})`,
  branchLower: (step: string) => `Branch from step ${step} with half the learning rate`,
  smallerBatch: (from: number, to: number) =>
    `Retry with a smaller micro-batch (${formatCount(from)} → ${formatCount(to)})`,
  recompute: (policy: string) => `Retry with activation checkpointing: ${policy}`,
  otherData: 'Retry with another dataset',
  addData: 'Add dataset',
} as const;
