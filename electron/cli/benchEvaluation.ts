import { type Command, Option } from 'commander';
import { getTokenizer, type TokenizerName } from '../data/tokenizers/index.ts';
import { benchGenerate } from '../engine/bench/generate.ts';
import { benchHellaswag, scoringPrograms } from '../engine/bench/hellaswag.ts';
import { openDevice } from '../engine/devices/choose.ts';
import type { ModelConfig } from '../engine/models/index.ts';
import { loadOn, requireRoom } from '../engine/use/loadJob.ts';
import { type Precision, precisions, type Program } from '../engine/program/types.ts';
import { UsageError } from '../base/errors.ts';
import { readQuestions } from '../evals/hellaswag/questions.ts';
import { formatCount, plural } from '../base/format.ts';
import { locateHome, resolveHome } from '../studio/home.ts';
import { holdersAt } from '../studio/run/holders.ts';
import { addBenchDevice, benchDevice, type BenchDeviceFlags, type BenchedDevice } from './benchDevice.ts';
import { fetchItems } from './eval.ts';
import { parseInteger } from './numbers.ts';
import { presetSettings } from './presetSettings.ts';

interface Options extends BenchDeviceFlags {
  readonly home?: string;
  readonly preset: string;
  readonly precision: Precision;
  readonly json?: boolean;
}

interface HellaswagOptions extends Options {
  readonly items: string;
  readonly rounds: string;
  readonly data?: string;
}

interface GenerateOptions extends Options {
  readonly tokens: string;
}

/** What is timed, and on what. */
export interface EvaluationBench {
  /** Of the model, for people. */
  readonly name: string;
  readonly model: ModelConfig;
  readonly precision: Precision;
  readonly device: BenchedDevice;
  /** Where runs are looked for that hold the device's memory; nothing is made there. */
  readonly home: string;
  readonly json: boolean;
}

export interface HellaswagBenchCommand extends EvaluationBench {
  readonly items: number;
  readonly rounds: number;
  /** Default: GPT-2's. */
  readonly tokenizer?: TokenizerName;
  /** The file of items; asked for when it is known that the device can do it. */
  readonly file: () => Promise<string>;
}

export interface GenerateBenchCommand extends EvaluationBench {
  readonly tokens: number;
}

export function addEvaluationBenches(bench: Command): void {
  const items = bench
    .command('hellaswag')
    .description('measure HellaSwag items/s against the plain way, four whole sequences per item')
    .option('--items <n>', 'items', '100')
    .option('--data <file>', 'a file of items instead of the validation set')
    .option('--rounds <n>', 'repetitions; the median counts', '9');
  addModel(items).action((_: unknown, self: Command) => runHellaswag(self.optsWithGlobals<HellaswagOptions>()));
  const tokens = bench
    .command('generate')
    .description('measure tokens/s at full context, with the KV cache and without')
    .option('--tokens <n>', 'tokens that are timed', '32');
  addModel(tokens).action((_: unknown, self: Command) => runGenerate(self.optsWithGlobals<GenerateOptions>()));
}

/** What both are asked for besides: the model, its precision, and the device. */
function addModel(command: Command): Command {
  command
    .option('--preset <name>', 'the model, with untrained weights', 'gpt2')
    .addOption(
      new Option('--precision <type>', 'of activations and half-precision weights')
        .choices([...precisions])
        .default('f32'),
    );
  return addBenchDevice(command).option('--json', 'one line of JSON');
}

/** @throws UsageError when there is no such preset, or as `benchDevice` does */
function benchOf(options: Options): EvaluationBench {
  const { preset: name, precision, json = false } = options;
  const { model } = presetSettings({ preset: name, tokenizer: 'gpt2' }).config;
  return { name, model, precision, device: benchDevice(options), home: locateHome(options.home), json };
}

function runHellaswag(options: HellaswagOptions): Promise<void> {
  const items = parseInteger('--items', options.items, 1);
  const rounds = parseInteger('--rounds', options.rounds, 1);
  const file = async () => options.data ?? (await fetchItems(resolveHome(options.home)));
  return hellaswagBench({ ...benchOf(options), items, rounds, file });
}

function runGenerate(options: GenerateOptions): Promise<void> {
  const tokens = parseInteger('--tokens', options.tokens, 2);
  const bench = benchOf(options);
  const { contextLength } = bench.model;
  if (tokens >= contextLength) {
    const max = formatCount(contextLength - 1);
    throw new UsageError(`--tokens needs a number from 2 to ${max}: the context of ${bench.name} holds one more.`);
  }
  return generateBench({ ...bench, tokens });
}

/** Opens the device. @throws UserError when it can't be used, or is full */
async function open({ name, precision, device: wanted, home }: EvaluationBench) {
  const heldBy = holdersAt(home, wanted);
  const opened = await openDevice(wanted, { precision, findings: undefined, heldBy });
  const what = `Timing ${name} in ${precision}`;
  return {
    device: opened.device.description,
    require: (programs: readonly Program[]) => requireRoom(opened, what, programs),
    load: (programs: readonly Program[]) => loadOn(opened, what, programs),
  };
}

/**
 * Times one more token behind a full context with the cache and without, and prints what that comes to.
 * @throws UserError when the device can't be used or has too little memory, before anything is timed
 */
export async function generateBench(bench: GenerateBenchCommand): Promise<void> {
  const { name, model, precision, tokens, json } = bench;
  const { device, load } = await open(bench);
  const result = await benchGenerate(load, model, precision, tokens);
  if (json) return console.log(JSON.stringify({ device, preset: name, precision, ...result }));
  const { context, prefillSeconds, cachedSeconds, recomputedSeconds } = result;
  console.log(`${device}; ${name} in ${precision}, behind ${plural(context, 'token')}`);
  console.log(
    `reading the prompt     ${prefillSeconds.toFixed(2)} s, ${(context / prefillSeconds).toFixed(0)} tokens/s`,
  );
  console.log(`with the KV cache      ${(1 / cachedSeconds).toFixed(2)} tokens/s`);
  console.log(`without a cache        ${(1 / recomputedSeconds).toFixed(2)} tokens/s`);
  console.log(`${(recomputedSeconds / cachedSeconds).toFixed(1)} × as fast`);
}

/**
 * Times HellaSwag items packed and as four whole sequences each, and prints what that comes to.
 * @throws UserError when the device can't be used or has too little memory: before items are fetched, as far as they do not
 * decide that
 */
export async function hellaswagBench(bench: HellaswagBenchCommand): Promise<void> {
  const { name, model, precision, items: wanted, rounds, json } = bench;
  const { device, require, load } = await open(bench);
  require(scoringPrograms(model, precision));
  const questions = readQuestions(await bench.file(), wanted, getTokenizer(bench.tokenizer ?? 'gpt2'));
  const result = await benchHellaswag(load, model, precision, questions, rounds);
  if (json) return console.log(JSON.stringify({ device, preset: name, precision, ...result }));
  const { items, packedSeconds, plainSeconds, largestDifference } = result;
  console.log(`${device}; ${name} in ${precision}, ${plural(items, 'item')}`);
  console.log(`prompt once, packed    ${(items / packedSeconds).toFixed(2)} items/s`);
  console.log(`four whole sequences   ${(items / plainSeconds).toFixed(2)} items/s`);
  console.log(
    `${(plainSeconds / packedSeconds).toFixed(2)} × as fast; scores differ by ${largestDifference.toExponential(1)} nats at most`,
  );
}
