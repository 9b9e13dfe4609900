import { formatCount, plural } from '../../format.ts';
import { dtypeNames, lowBitNames } from '../../text.ts';
import { recomputeNames } from '../memory/text.ts';
import type { Section } from '../../../electron/api/types.ts';

export const newText = {
  title: 'New run',
  checking: 'Checking…',
  queued: 'Queued: another run is training on this device',
  preset: 'Model',
  presetHint: 'Start from a preset, then adjust anything',
  data: 'Data',
  dataHint: 'Pick a dataset, or add text files from this machine',
  dataset: 'Dataset',
  phases: 'Phases',
  phasesHint: 'Learning-rate schedule',
  phaseKind: 'Schedule',
  phaseLength: 'Duration',
  phaseUnit: 'Unit',
  phaseRate: 'LR',
  phaseFrom: 'LR start',
  phaseTo: 'LR end',
  inherited: (kind: string) => `Default (${kind})`,
  inheritedShort: 'inherited',
  earlier: 'Move up',
  later: 'Move down',
  linked: 'LR linked to the phase before',
  linkedHint: 'LR start follows the LR end of the phase before, and the other way round',
  handle: (n: number, kind: string, end: string) => `Phase ${formatCount(n)}, ${kind}: ${end}`,
  handleValue: (rate: string, step: string) => `${rate} at step ${step}`,
  handleHint: (name: string, rate: string, step: string) =>
    `${name}: ${rate} at step ${step}. Drag, or use the arrow keys`,
  endAfter: (steps: number) => `Ends after ${formatCount(steps)} of its steps`,
  trainWhole: 'Train the whole phase',
  addPhase: 'Add phase',
  removePhase: 'Delete phase',
  length: (steps: number, tokens: number) => `${plural(steps, 'step')}, ${plural(tokens, 'token')}`,
  settings: 'Model & training',
  memory: 'Memory',
  rate: 'Learning rate',
  noData: 'Pick a dataset, or add text files.',
  afterTokenizing: 'Training starts as soon as the text is tokenized.',
  canWait: 'The text is being tokenized. Start now, and training follows by itself.',
  otherTokenizer: (made: string, wanted: string) =>
    `The text is being tokenized with ${made}, and this model uses ${wanted}.`,
  tokenizeAgain: (wanted: string) => `Tokenize with ${wanted}`,
  started: (name: string) => `${name} is training`,
  init: 'Initial weights',
  replaced: 'This config took the place of what you had drafted here.',
  restore: 'Back to my draft',
} as const;

export const configText = {
  title: 'Config as text',
  hint: 'Every setting. What is changed here changes the form, and the other way round.',
  format: 'Format',
  label: 'Config',
  discard: 'Discard what is typed',
  problem: (line: number, message: string) => `Line ${formatCount(line)}: ${message}.`,
  empty: 'The config is empty.',
  noMap: 'A config is a list of settings with their values, such as “seed: 1337”.',
  wrong: (setting: string, wanted: string) => `${setting} must be ${wanted}.`,
  phases: 'a list of phases, each with kind, steps or tokens, from and to',
  texts: 'a list of texts',
  mix: 'a list of datasets with their weights',
} as const;

export const recipeText = {
  sources: 'Where the numbers come from',
  tokensFrom: { published: 'as published', '20 a parameter': '20 per parameter' },
} as const;

export const startText = {
  label: 'Start',
  name: 'Name',
  time: 'Time to train',
  measuring: 'measuring…',
  how: { measured: 'measured', computed: 'computed' },
  memory: 'Memory',
  ofMemory: (used: string, all: string) => `${used} of ${all}`,
  problems: 'Fix before starting',
  start: 'Start training',
  cancel: 'Do not start',
} as const;

export const sectionText = {
  model: 'Model',
  data: 'Data',
  training: 'Training',
  optimizer: 'Optimizer',
  device: 'Device',
  evaluation: 'Evaluation',
  sampling: 'Sample prompts',
  stability: 'Stability',
  checkpoints: 'Checkpoints',
} as Readonly<Record<Section, string>>;

export const toggleText = { on: 'on', off: 'off' } as const;

/** Choices of settings for people, by the setting's path. */
export const choiceNames: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  recompute: recomputeNames,
  precision: dtypeNames,
  'optimizer.lowBitStates': lowBitNames,
};

export const mixText = {
  data: 'Dataset',
  own: (name: string) => (name === '' ? 'Run dataset' : `Run dataset (${name})`),
  range: 'Documents',
  weight: 'Weight',
  choose: 'Use other data…',
  add: 'Add dataset',
  making: 'tokenizing',
  waits: 'Run pauses here until the dataset is ready',
  remove: (n: number) => `Remove dataset ${formatCount(n)}`,
  removeShort: 'Remove',
} as const;

/** How position embeddings reach further than the model that a run starts from, by the name in a config. */
export const positionNames = {
  '': 'not extended',
  repeat: 'repeating them',
  interpolate: 'interpolating them',
} as const;

export const fineTuneText = {
  from: (name: string, step: string) => `Initialized from ${name}, step ${step}.`,
  positions: 'Extend position embeddings by',
  forget: 'Train from scratch instead',
} as const;
