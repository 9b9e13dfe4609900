import { plural } from '../../format.ts';
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
  addPhase: 'Add phase',
  removePhase: 'Delete phase',
  length: (steps: number, tokens: number) => `${plural(steps, 'step')}, ${plural(tokens, 'token')}`,
  settings: 'Model & training',
  name: 'Name',
  start: 'Start training',
  problems: 'Fix before starting',
  memory: 'Memory',
  rate: 'Learning rate',
  noData: 'Pick a dataset, or add text files.',
  init: 'Initial weights',
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

export const mixText = {
  data: 'Dataset',
  own: (name: string) => (name === '' ? 'Run dataset' : `Run dataset (${name})`),
  range: 'Documents',
  weight: 'Weight',
  choose: 'Use other data…',
  add: 'Add dataset',
  making: 'tokenizing',
  waits: 'Run pauses here until the dataset is ready',
  remove: (n: number) => `Remove dataset ${n}`,
  removeShort: 'Remove',
} as const;

export const fineTuneText = {
  from: (name: string, step: string) => `Initialized from ${name}, step ${step}.`,
  positions: 'Extend position embeddings by',
  forget: 'Train from scratch instead',
} as const;
