import { formatCount } from '../../format.ts';

const inWords = (name: string): string => name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** An op for people: `LM-head backward` for `headCrossEntropyGrad`, `attention` for `attention`. */
function opName(kind: string): string {
  const forward = kind.replace(/(Grad|Backward.*)$/, '');
  const name = forward.startsWith('head') ? 'LM-head' : inWords(forward);
  return forward === kind ? name : `${name} backward`;
}

/** Programs of a training step, by their names in a plan. */
const programNames: Readonly<Record<string, string>> = {
  castWeights: 'weight cast',
  firstMicroBatch: 'first micro-batch',
  microBatch: 'later micro-batches',
  update: 'optimizer step',
};

/** Policies of activation checkpointing, by their names in a config. */
export const recomputeNames: Readonly<Record<string, string>> = { none: 'off', attention: 'attention', block: 'full' };

export const memoryText = {
  title: 'Memory calculator',
  hint: 'Exact training memory: what the engine will allocate',
  lowBitStates: 'Low-bit states',
  lowBitStatesHint:
    'stable: float32 moments for embeddings, and 8-bit second moments stored as square roots. paper: the papers’ formulas throughout, which harm rare tokens.',
  noneFits: 'Does not fit even at 1',
  recalculating: 'Recalculating…',
  gpu: 'Target GPU',
  machine: 'This machine',
  reserve: 'Reserved for driver and display (MiB)',
  fits: (left: string) => `Fits, ${left} free`,
  missing: (left: string) => `${left} over budget`,
  peak: (op: string, scope: string, program: string) =>
    `Peak: ${opName(op)}${scope ? ` (${scope})` : ''}, ${programNames[program] ?? program}`,
  host: (bytes: string) => `+ ${bytes} host RAM`,
  advice: 'Ways to fit, cheapest first',
  apply: 'Apply',
  /** @param compute percent of a micro-batch's work that is done besides */
  cost: (saved: string, total: string, compute: string) => `saves ${saved}, total ${total}, +${compute} % compute`,
  saves: (saved: string) => `saves ${saved}`,
  matrix: 'What fits',
  solve: 'Maximize',
  use: 'New run with this config',
  layers: 'Layers',
  heads: 'Heads',
  width: 'Embedding dim',
  context: 'Context length',
  batch: 'Micro-batch size',
  precision: 'Precision',
  optimizer: 'Optimizer',
  recompute: 'Activation checkpointing',
  parameters: 'parameters',
  preset: 'Preset',
} as const;

export const timeText = {
  title: 'Time to train',
  toTwenty: 'Time to train on 20 tokens per parameter',
  on: (time: string, device: string) => `≈ ${time} on ${device}`,
  measured: 'measured',
  computed: (low: string, high: string) => `computed: ${low} to ${high}`,
  speed: (tokens: string) => `${tokens} tokens/s`,
  measuring: 'Timing a few steps…',
  unknown: 'No time estimate for this device yet',
} as const;

export const suggestText = {
  title: 'What can I train on my card?',
  hint: (low: string, high: string) =>
    `Published model shapes at the cheapest settings that fit, ranked by expected loss after this time. Throughput is computed; expect ${low}× to ${high}× of it.`,
  context: 'Context length',
  tokenizer: 'Tokenizer',
  time: 'Time',
  times: { 4: 'An evening (4 h)', 10: 'A night (10 h)', 168: 'A week' } as Readonly<Record<number, string>>,
  parameters: 'Parameters',
  settings: 'Cheapest settings',
  microBatch: (sequences: number) => `micro-batch ${formatCount(sequences)}`,
  checkpointing: (policy: string) => `checkpointing ${policy}`,
  memory: 'Memory, bytes',
  speed: (tokens: string) => `${tokens} tokens/s`,
  toTwenty: '20 tokens/param.',
  tokens: 'In this time',
  perParameter: (n: string) => `${n} per param.`,
  none: 'No published shape fits. Try a shorter context.',
  use: 'New run',
  useOf: (parameters: string) => `New run with ${parameters} parameters`,
} as const;

/** Parts of a memory plan, by the role that the planner gives them. */
export const roleText = {
  parameter: 'Weights',
  working: 'Half-precision weights',
  gradient: 'Gradients',
  optimizer: 'Optimizer states',
  paged: 'Paged states',
  cache: 'KV cache',
  activation: 'Activations',
  workspace: 'Workspace',
  input: 'Inputs',
  output: 'Outputs',
  unused: 'Fragmentation',
  driver: 'Driver',
  kernels: 'Reserved (kernels, CUDA graphs)',
  others: 'Other processes',
  free: 'Free',
} as Readonly<Record<string, string>>;

export const driverText = {
  measured: 'Driver (measured)',
  assumed: 'Driver (assumed)',
  given: 'Driver and display',
} as const;
