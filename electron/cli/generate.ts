import type { Command } from 'commander';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { latestValid } from '../engine/checkpoint/index.ts';
import { generateFrom } from '../engine/generate.ts';
import { UsageError, UserError } from '../errors.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { parseInteger, parseNumber } from './numbers.ts';

interface GenerateOptions {
  readonly home?: string;
  readonly prompt: string;
  readonly tokens: string;
  readonly temperature: string;
  readonly topK: string;
  readonly topP: string;
  readonly seed: string;
}

export function addGenerate(program: Command): void {
  program
    .command('generate')
    .description("write text with a run's latest checkpoint")
    .argument('<run>', "a run's id, the beginning of it, or its name")
    .option('--prompt <text>', 'how the text begins', '\\n')
    .option('--tokens <n>', 'tokens to write at most', '200')
    .option('--temperature <x>', '0 takes the likeliest token always', '0.8')
    .option('--top-k <n>', 'choose among the k likeliest tokens, 0: all', '0')
    .option('--top-p <x>', 'choose among the likeliest tokens that together have this probability, 1: all', '1')
    .option('--seed <n>', 'the same seed writes the same text', '1')
    .action((id: string, _: unknown, self: Command) => runGenerate(id, self.optsWithGlobals<GenerateOptions>()));
}

function parseTemperature(text: string): number {
  const value = parseNumber('--temperature', text);
  if (value < 0) throw new UsageError(`--temperature needs a number of 0 or more, not "${text}".`);
  return value;
}

function parseTopP(text: string): number {
  const value = parseNumber('--top-p', text);
  if (!(value > 0 && value <= 1)) throw new UsageError(`--top-p needs a number above 0 and up to 1, not "${text}".`);
  return value;
}

async function runGenerate(id: string, options: GenerateOptions): Promise<void> {
  const sampling = {
    maxTokens: parseInteger('--tokens', options.tokens, 1),
    temperature: parseTemperature(options.temperature),
    topK: parseInteger('--top-k', options.topK),
    topP: parseTopP(options.topP),
    seed: parseInteger('--seed', options.seed),
  };
  const studio = Studio.open(resolveHome(options.home));
  try {
    const run = studio.store.getRun(id);
    const { checkpoint, refused } = await latestValid(studio.checkpointRoot(run));
    const reasons = refused.map((r) => r.reason);
    if (!checkpoint) {
      if (reasons.length > 0) throw new UserError(`No checkpoint of ${run.id} is whole (${reasons.join('; ')}).`);
      throw new UserError(`The run ${run.id} has no checkpoint yet: train it first, then generate.`);
    }
    for (const reason of reasons) console.error(`refused: ${reason}; writing with step ${checkpoint.step}`);
    const config = studio.configOf(run);
    const tokenizer = getTokenizer(config.tokenizer);
    const prompt = options.prompt.replaceAll('\\n', '\n');
    const ids = prompt === '' ? [tokenizer.endOfText] : Array.from(tokenizer.encode(prompt));
    process.stdout.write(prompt);
    const decoder = tokenizer.streamDecoder();
    for await (const token of generateFrom(checkpoint, config, ids, { ...sampling, endOfText: tokenizer.endOfText })) {
      process.stdout.write(decoder.push(token));
    }
    process.stdout.write(`${decoder.end()}\n`);
  } finally {
    studio.close();
  }
}
