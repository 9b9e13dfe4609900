import { formatShort, plural } from '../../format.ts';

/** Of many runs that use something the newest are named. */
const namedRuns = 5;

export const prepareText = {
  paths: 'Drop files, browse, or paste paths (one per line)',
  formats: 'Text, JSON, CSV, TSV, Parquet or Arrow, also as .gz, .zst, .xz or .lz4',
  filter: 'Filter documents',
  subset: 'Subset (hash range)',
  textField: 'Text field',
  where: 'Filter (field=value)',
  splitOn: 'Split text files on',
  splitOnHint: 'Such as <|endoftext|>, or blank-lines. Blank: each file is one document.',
  noRange: 'must be a range of whole percents, such as 0-50%',
  datasetName: 'Dataset name (optional)',
  datasetNameHint: 'Blank: named after its files',
  skipBadFiles: 'Skip unreadable files and list them',
  sending: (done: string, total: string) => `Uploading ${done} of ${total}`,
  browse: 'Browse…',
  prepare: 'Tokenize',
  preparing: (done: string, total: string) => `Tokenizing ${done} of ${total}`,
  rateOf: (bytes: string) => `${bytes}/s`,
  tokenizer: 'Tokenizer',
  tokenizerOf: (model: string, name: string) => `${name} of ${model}`,
} as const;

export const previewText = {
  title: 'Will be read',
  pending: 'Reading the first documents…',
  cancel: 'Cancel preview',
  files: (n: number, bytes: string) => `${plural(n, 'file')}, ${bytes}`,
  notTaken: (endings: string) => `not taken: ${endings}`,
  field: 'Use text from',
  noField: (field: string) => `${field} (not found)`,
  list: 'Files and formats',
  documents: 'First documents',
  tokens: (n: number) => plural(n, 'token'),
  goesTo: (split: 'train' | 'val') => split,
  moreProblems: (n: number) => `and ${plural(n, 'more problem')}`,
  moreFiles: (n: number) => `and ${plural(n, 'more file')}`,
  onlyFirst: 'Only the first documents of the first files were read.',
} as const;

export const dataText = {
  title: 'Data',
  hint: 'Tokenized once. Each document goes to train or val by content hash.',
  none: 'No datasets yet',
  noneHint: 'Add text files below.',
  add: 'Add dataset',
  preview: 'Preview',
  remove: 'Delete',
  removeTitle: (name: string) => `Delete ${name}?`,
  removeText: 'Deletes the tokenized data; source files are kept.',
  usedBy: (runs: readonly string[]) => {
    const more = runs.length - namedRuns;
    return `used by ${runs.slice(0, namedRuns).join(', ')}${more > 0 ? ` and ${plural(more, 'other run')}` : ''}`;
  },
  splits: { train: 'Training', val: 'Validation' },
  train: 'train tokens',
  val: 'val tokens',
  sources: (n: number) => plural(n, 'file'),
  documents: (n: number) => plural(n, 'document', 'documents', formatShort),
  skipped: (n: string) => `${n} skipped`,
  verify: 'Verify checksums',
  verifying: 'Verifying…',
  sound: (name: string, files: number) => `${name}: checksums OK (${plural(files, 'file')})`,
  damaged: (name: string, problems: string) => `${name} is damaged: ${problems}. Tokenize it again.`,
  resume: 'Resume',
  incomplete: 'Incomplete, progress saved',
  making: (pid: number) => `Tokenizing in process ${pid}`,
  offset: 'Offset (tokens)',
  split: 'Split',
  endOfDocument: 'end of document',
  validation: (what: string) => `Validation: ${what}`,
  done: (name: string) => `${name} is ready`,
} as const;
