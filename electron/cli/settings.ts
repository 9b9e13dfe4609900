import { type Command, Option } from 'commander';
import { readTextFile } from '../base/textFile.ts';
import { runDevices } from '../engine/config.ts';
import { lowBitStates, optimizerKinds } from '../engine/optimizers/index.ts';
import { precisions } from '../engine/program/types.ts';
import { messageOf, UsageError } from '../errors.ts';
import { parseMix } from './mix.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { parsePhase } from './phases.ts';
import { addPromptFlags, promptsOf } from './prompts.ts';
import { parseSubset } from './subset.ts';

type Kind = 'flag' | 'int' | 'number' | 'text' | 'texts' | 'phases' | 'subset' | 'mix';

/** One setting of a run: a flag, and where it goes in the config. */
interface Setting {
  readonly flags: string;
  readonly path: string;
  readonly kind: Kind;
  readonly help: string;
  readonly choices?: readonly string[];
}

/** Every setting of a run that a flag can give. A JSON config (--config) can give them all as well; flags win. */
export const settings: readonly Setting[] = [
  { flags: '--layers <n>', path: 'model.nLayer', kind: 'int', help: 'transformer blocks' },
  { flags: '--heads <n>', path: 'model.nHead', kind: 'int', help: 'attention heads; must divide the width' },
  { flags: '--width <n>', path: 'model.nEmbd', kind: 'int', help: 'width of the residual stream' },
  { flags: '--context <n>', path: 'model.contextLength', kind: 'int', help: 'context length in tokens' },
  { flags: '--dropout <p>', path: 'model.dropout', kind: 'number', help: 'dropout probability (0)' },
  { flags: '--batch <n>', path: 'batch', kind: 'int', help: 'sequences in a micro-batch' },
  {
    flags: '--tokens-per-step <n>',
    path: 'tokensPerStep',
    kind: 'int',
    help: 'tokens of an optimizer step (batch × context)',
  },
  {
    flags: '--phase <spec...>',
    path: 'phases',
    kind: 'phases',
    help: 'kind:length:from[:to][:optimizer][:key=value …], e.g. warmup:100:0:1e-3, cosine:1900:1e-3:1e-4, constant:10Mtok:9e-5:adamw8bit:subset=50-80%; lengths: steps (500, 20k, 2Msteps) or tokens (10Mtok); keys: batch, eval, checkpoint, data, subset, mix, wait',
  },
  {
    flags: '--subset <range>',
    path: 'subset',
    kind: 'subset',
    help: 'training documents, by a hash of their text (0-100%)',
  },
  {
    flags: '--mix <parts>',
    path: 'mix',
    kind: 'mix',
    help: 'several datasets to train on, with parts of their documents and weights, such as books@0-50%*3+web',
  },
  {
    flags: '--optimizer <kind>',
    path: 'optimizer.kind',
    kind: 'text',
    choices: optimizerKinds,
    help: 'AdamW with moments in float32, 8 bits, 8 bits paged to the host, or 4 bits (adamw)',
  },
  {
    flags: '--low-bit-states <kind>',
    path: 'optimizer.lowBitStates',
    kind: 'text',
    choices: lowBitStates,
    help: 'stable: low-bit optimizers keep float32 moments of embeddings, and code 8-bit second moments by their root; paper: the papers’ formulas for all (stable)',
  },
  { flags: '--beta1 <x>', path: 'optimizer.beta1', kind: 'number', help: 'AdamW β1 (0.9)' },
  { flags: '--beta2 <x>', path: 'optimizer.beta2', kind: 'number', help: 'AdamW β2 (0.95)' },
  { flags: '--eps <x>', path: 'optimizer.eps', kind: 'number', help: 'AdamW ε (1e-8)' },
  {
    flags: '--weight-decay <x>',
    path: 'optimizer.weightDecay',
    kind: 'number',
    help: 'weight decay of matrices (0.1)',
  },
  {
    flags: '--grad-clip <x>',
    path: 'optimizer.gradClip',
    kind: 'number',
    help: 'largest gradient norm, 0 clips nothing (1)',
  },
  { flags: '--seed <n>', path: 'seed', kind: 'int', help: 'seed of weights, data order and samples (1337)' },
  {
    flags: '--precision <type>',
    path: 'precision',
    kind: 'text',
    choices: precisions,
    help: 'of activations and working weights; master weights and sums are f32 (f32)',
  },
  {
    flags: '--recompute <policy>',
    path: 'recompute',
    kind: 'text',
    choices: ['none', 'attention', 'block'],
    help: 'what the backward pass computes again to save memory (none)',
  },
  {
    flags: '--device <kind>',
    path: 'device.kind',
    kind: 'text',
    choices: runDevices,
    help: 'device (cuda where there is a GPU that it can use, else cpu)',
  },
  {
    flags: '--gpu-index <n>',
    path: 'device.gpu',
    kind: 'int',
    help: 'which GPU, as CUDA counts them; it means --device cuda',
  },
  {
    flags: '--tf32',
    path: 'device.tf32',
    kind: 'flag',
    help: 'let tensor cores take float32 products, of factors rounded to 10 bits of fraction',
  },
  { flags: '--threads <n>', path: 'device.threads', kind: 'int', help: 'threads of the cpu device (all cores)' },
  {
    flags: '--eval-every <steps>',
    path: 'evaluation.every',
    kind: 'int',
    help: 'steps between validation losses, 0: only at the end (250)',
  },
  {
    flags: '--eval-sequences <n>',
    path: 'evaluation.sequences',
    kind: 'int',
    help: 'validation sequences each time (200)',
  },
  {
    flags: '--hellaswag-every <steps>',
    path: 'evaluation.hellaswagEvery',
    kind: 'int',
    help: 'steps between HellaSwag evaluations, 0: none (0)',
  },
  {
    flags: '--hellaswag-items <n>',
    path: 'evaluation.hellaswagItems',
    kind: 'int',
    help: 'HellaSwag items each time, the first of 10,042 (1000)',
  },
  {
    flags: '--sample-every <steps>',
    path: 'sampling.every',
    kind: 'int',
    help: 'steps between samples, 0: only at the end (with every checkpoint)',
  },
  {
    flags: '--prompt <text...>',
    path: 'sampling.prompts',
    kind: 'texts',
    help: 'prompts of the samples, taken literally',
  },
  {
    flags: '--sample-tokens <n>',
    path: 'sampling.tokens',
    kind: 'int',
    help: 'tokens of a sample, 0: no samples (120)',
  },
  { flags: '--temperature <x>', path: 'sampling.temperature', kind: 'number', help: 'sampling temperature (0.8)' },
  { flags: '--top-k <n>', path: 'sampling.topK', kind: 'int', help: 'sample among the k likeliest tokens, 0: all (0)' },
  {
    flags: '--spike <z>',
    path: 'guards.spike',
    kind: 'number',
    help: 'robust standard deviations that make a loss a spike, 0: none is (12)',
  },
  {
    flags: '--max-recoveries <n>',
    path: 'guards.maxRecoveries',
    kind: 'int',
    help: 'times that the run goes back to a checkpoint before it fails (3)',
  },
  {
    flags: '--checkpoint-every <steps>',
    path: 'checkpoints.every',
    kind: 'int',
    help: 'steps between checkpoints, 0: only at the end (500)',
  },
  {
    flags: '--keep-last <n>',
    path: 'checkpoints.keepLast',
    kind: 'int',
    help: 'checkpoints kept besides the best (2)',
  },
];

const nameOf = (s: Setting): string => s.flags.split(' ')[0]!;
const optionOf = (s: Setting): Option => {
  const option = new Option(s.flags, s.help);
  return s.choices ? option.choices([...s.choices]) : option;
};

/** Adds every setting's flag to a command. */
export function addSettings(command: Command): Command {
  for (const s of settings) command.addOption(optionOf(s));
  return addPromptFlags(command);
}

export type Tree = { [key: string]: unknown };

/** Puts the flags that were given into a config tree, over what is there. */
export function applyFlags(tree: Tree, options: Readonly<Record<string, unknown>>): Tree {
  const result = structuredClone(tree);
  for (const s of settings) {
    const raw = options[optionOf(s).attributeName()];
    if (raw === undefined) continue;
    setPath(result, s.path, parseSetting(s, raw));
  }
  const prompts = promptsOf(options.prompt as string[] | undefined, options);
  if (prompts) setPath(result, 'sampling.prompts', prompts);
  return result;
}

function parseSetting(s: Setting, raw: unknown): unknown {
  switch (s.kind) {
    case 'int':
      return parseInteger(nameOf(s), raw as string);
    case 'number':
      return parseNumber(nameOf(s), raw as string);
    case 'phases':
      return (raw as string[]).map(parsePhase);
    case 'subset':
      return parseSubset(nameOf(s), raw as string);
    case 'mix':
      return parseMix(nameOf(s), raw as string);
    case 'texts':
      return raw;
    case 'text':
    case 'flag':
      return raw;
  }
}

function setPath(tree: Tree, dotted: string, value: unknown): void {
  const keys = dotted.split('.');
  let node = tree;
  for (const key of keys.slice(0, -1)) {
    node[key] ??= {};
    node = node[key] as Tree;
  }
  node[keys[keys.length - 1]!] = value;
}

/** Reads a JSON object from a file. @throws UsageError when it is missing or no JSON object */
export function readJsonConfig(file: string): Tree {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readTextFile(file));
  } catch (error) {
    throw new UsageError(`The config ${file} can't be read: ${messageOf(error)}.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(`The config ${file} is not a JSON object.`);
  }
  return parsed as Tree;
}

/** `over` on top of `base`, objects merged key by key, everything else replaced. */
export function merge(base: Tree, over: Tree): Tree {
  const result: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = isTree(result[key]) && isTree(value);
    result[key] = both ? merge(result[key] as Tree, value as Tree) : value;
  }
  return result;
}

const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);
