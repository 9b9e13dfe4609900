import { plural } from '../../format.ts';

export const runsText = {
  title: 'Runs',
  new: 'New run',
  search: 'Search runs',
  searchHint: 'Name, ID, tag, dataset or note',
  state: 'State',
  anyState: 'All states',
  archived: 'Archived',
  active: 'Runs',
  compare: (n: number) => `Compare ${plural(n, 'run')}`,
  compareHint: 'Select runs to compare',
  none: 'No runs yet',
  noneHint: 'Train a small GPT on your text. The nano preset takes minutes on a CPU.',
  noneArchived: 'No archived runs',
  filtered: 'No matching runs',
  clear: 'Clear filters',
  pick: (name: string) => `Compare ${name}`,
  columns: {
    name: 'Run',
    state: 'State',
    progress: 'Progress',
    loss: 'Train loss, nats/token',
    valLoss: 'Best val loss, nats/token',
    bitsPerByte: 'Bits/byte',
    tokenizer: 'Tokenizer',
    parameters: 'Parameters',
    dataset: 'Data',
    tokens: 'Tokens',
    created: 'Created',
  },
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
