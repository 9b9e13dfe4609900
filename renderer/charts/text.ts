import { formatCount, plural } from '../format.ts';
import type { MarkerKind } from './markers.ts';

/** @param isMore more may be among what was thinned out */
const countOf = (n: number, isMore: boolean, what: string): string => `${isMore ? 'at least ' : ''}${plural(n, what)}`;

export const chartText = {
  checkpointOf: (step: string) => `checkpoint at step ${step}`,
  /** Of the chart of train and validation losses. */
  losses: 'Loss',
  legend: 'Legend',
  reset: 'Reset zoom',
  table: 'Table',
  empty: 'No data yet',
  at: (x: string) => `at ${x}`,
  smoothed: (y: string) => `smoothed ${y}`,
  smoothing: (weight: string) => `Smoothed ${weight}`,
  smoothingMeans: (weight: string, steps: number) =>
    `Smoothed ${weight} over ${formatCount(steps)}-step means; band: min to max`,
  groups: 'Mean of each group; band: min to max of its runs',
  hidden: (n: number, isMore: boolean) => `${countOf(n, isMore, 'value')} outside the visible range`,
  notNumbers: (n: number, isMore: boolean) => `▲ ${countOf(n, isMore, 'NaN or infinite value')}`,
  notPositive: (n: number, isMore: boolean) => `${countOf(n, isMore, 'value')} ≤ 0, not shown on a log scale`,
  tokenizersDiffer: 'Tokenizers differ: validation loss is in bits per byte, and train loss is not compared.',
  noBitsPerByte: (names: string) => `Not shown, bits per byte unknown: ${names}`,
  noReference: 'Reference runs use the GPT-2 tokenizer: they are shown only with runs that use it, too.',
  perToken: 'nats/token',
  perByte: 'bits/byte',
  keys: 'Left and right move the cursor, with Shift they pan; + and − zoom, up and down zoom the y axis; E goes to the next event; 0 resets.',
  fullscreen: 'Fullscreen',
  close: 'Close',
  best: 'best',
  allHidden: 'All curves are hidden: the legend shows them again.',
  events: 'Events',
  system: 'System',
  /** Of the validation losses of each dataset that a run trains on. */
  byDataset: 'Loss by dataset',
  moreEvents: (n: number) => `and ${plural(n, 'more event')}`,
  legendHint: 'Click hides or shows a curve. Alt-click, double-click or S shows it alone.',
  more: 'More',
  columns: { raw: 'Measured', smoothed: 'Smoothed' },
  kinds: {
    best: 'Best validation loss',
    checkpoint: 'Checkpoint',
    skip: 'Skipped step',
    recovery: 'Rollback',
    optimizer: 'Optimizer switch',
    batch: 'Micro-batch',
    phases: 'Phases edited',
    phase: 'Phase',
    start: 'Started',
    resume: 'Resumed',
    pause: 'Paused',
    end: 'Ended',
    fail: 'Failed',
    interrupt: 'Interrupted',
    warning: 'Warning',
  } satisfies Record<MarkerKind, string> as Readonly<Record<MarkerKind, string>>,
} as const;

export const axisText = {
  label: 'X axis',
  step: 'Step',
  tokens: 'Tokens',
  time: 'Training time (h)',
  log: 'Log scale',
  smoothing: 'Smoothing',
  outliers: 'Ignore outliers',
  outliersHint: 'Of losses, gradient norm, speed and MFU: other charts show every value',
  reference: 'Reference run',
} as const;

export const measureText = {
  hellaswag: 'HellaSwag accuracy',
  loss: 'Train loss',
  valLoss: 'Validation loss',
  learningRate: 'Learning rate',
  gradNorm: 'Gradient norm',
  tokensPerSecond: 'Throughput (tokens/s)',
  memoryBytes: 'Process memory',
  hostBytes: 'Host RAM',
  lossScale: 'Loss scale',
  mfu: 'MFU',
  gpuUtilization: 'GPU utilization',
  gpuTemperature: 'GPU temperature',
  gpuPower: 'GPU power',
  gpuMemoryBytes: 'GPU memory in use',
  cpuUtilization: 'CPU utilization',
  cpuTemperature: 'CPU temperature',
  cpuPower: 'CPU power',
  machineMemoryBytes: 'RAM in use',
} as const;
