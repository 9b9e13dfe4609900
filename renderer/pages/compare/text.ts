import { plural } from '../../format.ts';
import type { MetricName } from './metrics.ts';

export const compareText = {
  columns: {
    run: 'Run',
    group: 'Group',
    state: 'State',
    parameters: 'Parameters',
    tokenizer: 'Tokenizer',
    tokens: 'Tokens',
    loss: 'Train loss, nats/token',
    valLoss: 'Best val loss, nats/token',
    bitsPerByte: 'Bits/byte',
  },
  metrics: {
    valLoss: 'Best val loss',
    loss: 'Train loss',
    hellaswag: 'HellaSwag accuracy',
    tokens: 'Tokens',
    tokensPerSecond: 'Tokens/s',
    time: 'Training time',
    gpuUtilization: 'Mean GPU utilization',
    gpuTemperature: 'Max GPU temperature',
    gpuPower: 'Mean GPU power',
    gpuMemoryBytes: 'Max GPU memory in use',
    cpuUtilization: 'Mean CPU utilization',
    cpuTemperature: 'Max CPU temperature',
    cpuPower: 'Mean CPU power',
    machineMemoryBytes: 'Max RAM in use',
  } satisfies Record<MetricName, string> as Readonly<Record<MetricName, string>>,
  metric: 'Metric',
  baseline: 'Baseline',
  isBaseline: 'baseline',
  difference: (metric: string) => `Δ ${metric}`,
  groupBy: 'Group by',
  noGroups: 'No groups',
  tag: 'Tag',
  title: 'Compare runs',
  pick: 'Select runs on the Runs page first.',
  back: 'Runs',
  missing: (id: string, why: string) => `${id} can’t be compared: ${why}`,
} as const;

export const groupText = {
  title: 'Groups',
  label: (name: string, n: number) => `${name} (${plural(n, 'run')})`,
  runs: 'Runs',
  mean: 'Mean',
  range: 'Min to max',
  noTag: 'no tag',
} as const;

export const configText = {
  title: 'Config differences',
  same: 'All settings are equal.',
  setting: 'Setting',
  settings: (n: number) => plural(n, 'setting'),
  on: 'on',
  off: 'off',
  labels: {
    dataset: 'Dataset',
    tokenizer: 'Tokenizer',
    schedule: 'LR schedule version',
    'init.run': 'Initialized from run',
    'init.step': 'Initialized from step',
    'init.positions': 'Extend position embeddings by',
    'model.kind': 'Model family',
    'model.vocabSize': 'Vocabulary size',
  } as Readonly<Record<string, string>>,
  /** Settings of a phase, before their values. */
  phase: {
    optimizer: 'optimizer',
    batch: 'micro-batch',
    endAfter: 'ends after step',
    evaluateEvery: 'validate every',
    checkpointEvery: 'checkpoint every',
    dataset: 'data',
    wait: 'wait',
  } as Readonly<Record<string, string>>,
} as const;
