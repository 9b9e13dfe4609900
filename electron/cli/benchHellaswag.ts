import type { Command } from 'commander';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { benchHellaswag } from '../engine/bench/hellaswag.ts';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { modelConfigSchema } from '../engine/gpt2/config.ts';
import { loadPreset } from '../engine/presets.ts';
import { precisions } from '../engine/program/types.ts';
import { UsageError } from '../errors.ts';
import { readQuestions } from '../evals/hellaswag/questions.ts';
import { validationFile } from '../evals/hellaswag/source.ts';
import { resolveHome } from '../studio/home.ts';
import { parseInteger } from './numbers.ts';

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

export function addHellaswagBench(bench: Command): void {
  bench
    .command('hellaswag')
    .description('measure HellaSwag items a second beside the plain way, four whole sequences an item')
    .option('--preset <name>', 'the model, with weights as they are before training', 'gpt2')
    .option('--items <n>', 'items', '100')
    .option('--precision <p>', precisions.join(', '), 'f32')
    .option('--data <file>', 'a file of items instead of the validation set')
    .action((_: unknown, self: Command) => run(self.optsWithGlobals<Options>()));
}

async function run(options: Options): Promise<void> {
  const precision = precisions.find((p) => p === options.precision);
  if (!precision)
    throw new UsageError(`--precision needs one of ${precisions.join(', ')}, not "${options.precision}".`);
  const file = options.data ?? (await validationFile(resolveHome(options.home)));
  const tokenizer = getTokenizer('gpt2');
  const questions = readQuestions(file, parseInteger('--items', options.items, 1), tokenizer);
  const { model } = loadPreset(options.preset).config as { model: object };
  const config = modelConfigSchema.parse({ ...model, vocabSize: tokenizer.vocabSize });
  const threads = options.threads === undefined ? {} : { threads: parseInteger('--threads', options.threads, 1) };
  const device = createCpuDevice(threads);
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
