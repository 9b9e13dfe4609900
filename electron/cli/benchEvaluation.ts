import type { Command } from 'commander';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { benchGenerate } from '../engine/bench/generate.ts';
import { benchHellaswag } from '../engine/bench/hellaswag.ts';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { precisions } from '../engine/program/types.ts';
import { UsageError } from '../errors.ts';
import { readQuestions } from '../evals/hellaswag/questions.ts';
import { validationFile } from '../evals/hellaswag/source.ts';
import { resolveHome } from '../studio/home.ts';
import { parseInteger } from './numbers.ts';
import { presetSettings } from './presetSettings.ts';

interface Options {
  readonly home?: string;
  readonly preset: string;
  readonly items: string;
  readonly rounds: string;
  readonly precision: string;
  readonly data?: string;
  readonly threads?: string;
  readonly json?: boolean;
}

export function addEvaluationBenches(bench: Command): void {
  bench
    .command('hellaswag')
    .description('measure HellaSwag items a second beside the plain way, four whole sequences an item')
    .option('--preset <name>', 'the model, with weights as they are before training', 'gpt2')
    .option('--items <n>', 'items', '100')
    .option('--precision <p>', precisions.join(', '), 'f32')
    .option('--data <file>', 'a file of items instead of the validation set')
    .option('--threads <n>', 'threads (all cores)')
    .option('--rounds <n>', 'times that everything is measured; the median counts', '9')
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runHellaswag(self.optsWithGlobals<Options>()));
  bench
    .command('generate')
    .description('measure tokens a second behind a full context, with the cache and by computing all anew')
    .option('--preset <name>', 'the model, with weights as they are before training', 'gpt2')
    .option('--precision <p>', precisions.join(', '), 'f32')
    .option('--tokens <n>', 'tokens that are timed', '32')
    .option('--threads <n>', 'threads (all cores)')
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runGenerate(self.optsWithGlobals<Options & { tokens: string }>()));
}

/** What both are asked for: the model, its precision, and the device. */
function setting(options: Options) {
  const precision = precisions.find((p) => p === options.precision);
  if (!precision)
    throw new UsageError(`--precision needs one of ${precisions.join(', ')}, not "${options.precision}".`);
  const { model: config } = presetSettings({ preset: options.preset, tokenizer: 'gpt2' }).config;
  const threads = options.threads === undefined ? {} : { threads: parseInteger('--threads', options.threads, 1) };
  return { precision, config, device: createCpuDevice(threads) };
}

async function runGenerate(options: Options & { tokens: string }): Promise<void> {
  const { precision, config, device } = setting(options);
  const result = await benchGenerate(device, config, precision, parseInteger('--tokens', options.tokens, 2));
  if (options.json) return console.log(JSON.stringify({ device: device.description, ...result }));
  const { context, prefillSeconds, cachedSeconds, recomputedSeconds } = result;
  console.log(`${device.description}; ${options.preset} in ${precision}, behind ${context} tokens`);
  console.log(
    `reading the prompt     ${prefillSeconds.toFixed(2)} s, ${(context / prefillSeconds).toFixed(0)} tokens/s`,
  );
  console.log(`with the cache         ${(1 / cachedSeconds).toFixed(2)} tokens/s`);
  console.log(`all computed anew      ${(1 / recomputedSeconds).toFixed(2)} tokens/s`);
  console.log(`${(recomputedSeconds / cachedSeconds).toFixed(1)} × as fast`);
}

async function runHellaswag(options: Options): Promise<void> {
  const { precision, config, device } = setting(options);
  const file = options.data ?? (await validationFile(resolveHome(options.home)));
  const tokenizer = getTokenizer('gpt2');
  const questions = readQuestions(file, parseInteger('--items', options.items, 1), tokenizer);
  const result = await benchHellaswag(
    device,
    config,
    precision,
    questions,
    parseInteger('--rounds', options.rounds, 1),
  );
  if (options.json) return console.log(JSON.stringify({ device: device.description, ...result }));
  const { items, packedSeconds, plainSeconds, largestDifference } = result;
  console.log(`${device.description}; ${options.preset} in ${precision}, ${items} items`);
  console.log(`prompt once, packed    ${(items / packedSeconds).toFixed(2)} items/s`);
  console.log(`four whole sequences   ${(items / plainSeconds).toFixed(2)} items/s`);
  console.log(
    `${(plainSeconds / packedSeconds).toFixed(2)} × as fast; scores differ by ${largestDifference.toExponential(1)} nats at most`,
  );
}
