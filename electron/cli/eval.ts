import fs from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import { UsageError } from '../base/errors.ts';
import type { HellaswagResult } from '../evals/hellaswag/score.ts';
import { adoptFile, cachedFile, validationFile, validationItems } from '../evals/hellaswag/source.ts';
import { formatBytes, formatCount, formatLoss, formatPerplexity, plural } from '../base/format.ts';
import { allEvalRows, bitsPerByte, evalRows, evalsCsv, evalsMarkdown, evalsTable } from '../studio/evals.ts';
import { resolveHome } from '../studio/home.ts';
import { given } from '../studio/jobs/given.ts';
import { Studio } from '../studio/studio.ts';
import type { WorkTools } from '../studio/jobs/kind.ts';
import { absolute, asJob, asJobIn } from './asJob.ts';
import { checkpointHelp, findCheckpoint, findRun } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, reportMoved } from './device.ts';
import { hellaswagOfFolder, isFolder } from './evalFolder.ts';
import { Interrupted } from './interrupts.ts';
import { parseInteger } from './numbers.ts';
import { forStream } from './terminal/guard.ts';
import { table } from './terminal/table.ts';
import { onOneLine } from './terminal/text.ts';

interface Common {
  readonly home?: string;
  readonly json?: boolean;
}

interface HellaswagOptions extends Common, DeviceFlags {
  readonly items: string;
  readonly data?: string;
}

interface LossOptions extends Common, DeviceFlags {
  readonly sequences: string;
  readonly dataset?: string;
}

export function addEval(evaluate: Command): void {
  const items = evaluate
    .command('hellaswag')
    .description('accuracy on HellaSwag, as lm-evaluation-harness computes it; finished items are not scored again')
    .argument('<checkpoint>', `${checkpointHelp}; or the folder of a checkpoint or a Hugging Face model`)
    .option(
      '--items <n>',
      `items, the first of the validation set's ${formatCount(validationItems)}`,
      String(validationItems),
    )
    .option('--data <file>', 'HellaSwag file (default: the official val set, downloaded once)');
  addDeviceFlags(items)
    .option('--json', 'one JSON object')
    .action((id: string, _: unknown, self: Command) => hellaswag(id, self.optsWithGlobals<HellaswagOptions>()));
  const windows = evaluate
    .command('loss')
    .description("validation loss, perplexity and bits per byte over windows of the run's validation split")
    .argument('<checkpoint>', checkpointHelp)
    .option('--sequences <n>', 'max windows, spread evenly', '1000')
    .option('--dataset <name>', "another dataset than the run's");
  addDeviceFlags(windows)
    .option('--json', 'one JSON object')
    .action((id: string, _: unknown, self: Command) => loss(id, self.optsWithGlobals<LossOptions>()));
  evaluate
    .command('table')
    .description('results of all or some runs')
    .argument('[runs...]', 'IDs or names')
    .option('--csv', 'as CSV')
    .option('--markdown', 'as Markdown')
    .action((ids: string[], _: unknown, self: Command) =>
      print(ids, self.optsWithGlobals<Common & { csv?: boolean; markdown?: boolean }>()),
    );
  evaluate
    .command('fetch')
    .description('download the HellaSwag val set for offline use')
    .option('--data <file>', 'a copy downloaded elsewhere (hellaswag_val.jsonl)')
    .action(async (_: unknown, self: Command) => {
      const options = self.optsWithGlobals<Common & { data?: string }>();
      const home = resolveHome(options.home);
      console.log(options.data === undefined ? await fetchItems(home) : await adoptFile(home, options.data));
    });
}

/** A line that redraws itself on a terminal; elsewhere nothing. `cleared` passes an error on. */
function progressLine(): { show: (text: string) => void; done: () => void; cleared: (error: unknown) => never } {
  const log = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  const done = (): void => log?.clear();
  return {
    show: (text) => log?.(text),
    done,
    cleared(error) {
      done();
      throw error;
    },
  };
}

/** HellaSwag's validation set, fetched if it is not there, with progress. */
async function fetched(home: string, { signal, progress }: Pick<WorkTools, 'signal' | 'progress'>): Promise<string> {
  const line = progressLine();
  try {
    const onProgress = (done: number, total: number) => {
      progress({ done, total, unit: 'bytes' });
      line.show(`downloading HellaSwag: ${formatBytes(done)} of ${formatBytes(total)}`);
    };
    return await validationFile(home, { onProgress, signal });
  } finally {
    line.done();
  }
}

/** The same as a job of its own, where it is not there. @throws Interrupted when that is stopped */
export async function fetchItems(home: string): Promise<string> {
  const file = cachedFile(home);
  if (fs.existsSync(file)) return file;
  const job = { kind: 'fetchHellaswag', input: {}, described: { title: 'Download HellaSwag' } };
  await asJobIn(home, job, async (tools) => ({ file: await fetched(home, tools) }));
  return file;
}

/** Says that what is going on was ended, here or elsewhere. @returns whether it was not */
async function untilInterrupted(work: Promise<unknown>, kept = ''): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    console.error(`${error.message}${kept}`);
    process.exitCode = error.exitCode;
    return false;
  }
}

/** What is evaluated in a home that can't be written is said alone. */
function reportUnkept(studio: Studio): void {
  if (!studio.keeps) console.error(`not stored: the data folder ${studio.home} can't be written`);
}

const accuracy = (p: number, error: number): string => `${p.toFixed(4)} ± ${error.toFixed(4)}`;

/** @throws UsageError where a folder's bare name is a run's as well */
function requireOneMeaning(home: string, id: string): void {
  if (/[\\/]/.test(id)) return;
  const studio = Studio.look(home);
  try {
    const run = studio.store.runs.list().find((r) => r.id === id || r.name === id);
    if (run) throw new UsageError(`${id} is a folder here and a run (${run.id}): say ./${id} or ${run.id}.`);
  } finally {
    studio.close();
  }
}

async function hellaswag(id: string, options: HellaswagOptions): Promise<void> {
  const items = parseInteger('--items', options.items, 1);
  const device = chosenDevice(options);
  const home = resolveHome(options.home, 'read');
  if (isFolder(id)) {
    requireOneMeaning(home, id);
    return folder(id, home, items, device, options);
  }
  const studio = Studio.look(home);
  const line = progressLine();
  try {
    const { run, step } = findCheckpoint(studio, id);
    reportMoved(studio.runs.configOf(run).device, studio.models.forJob(run, device).config.device, device);
    const input = { id: run.id, step, items, ...given({ device, file: options.data && absolute(options.data) }) };
    const work = asJob(studio, { kind: 'hellaswag', input }, async (tools) => {
      const file = options.data ?? (await fetched(home, tools));
      const started = performance.now();
      let before: number | undefined;
      for await (const update of studio.models.hellaswag(run, step, file, items, device, tools.signal)) {
        if (update.kind === 'done') return update.result;
        const { done, total, acc } = update;
        tools.progress({ done, total, unit: 'items', ...(acc === undefined ? {} : { detail: { acc } }) });
        before ??= done;
        const rate = (done - before) / ((performance.now() - started) / 1000);
        const shown = acc === undefined ? '' : `, acc ${acc.toFixed(4)}`;
        line.show(`${formatCount(done)} of ${plural(total, 'item')}${shown}, ${rate.toFixed(1)} items/s`);
      }
      throw tools.signal.reason;
    });
    await untilInterrupted(
      work.then((result) => {
        line.done();
        report(`${run.name}, step ${formatCount(step)}`, result, options.json ? { run: run.id, step } : undefined);
        reportUnkept(studio);
      }, line.cleared),
      ', progress saved: run the same command to resume',
    );
  } finally {
    line.done();
    studio.close();
  }
}

async function folder(
  dir: string,
  home: string,
  items: number,
  device: DeviceChoice | undefined,
  options: HellaswagOptions,
): Promise<void> {
  const line = progressLine();
  try {
    const title = `HellaSwag of the folder ${path.basename(path.resolve(dir))}`;
    const input = { folder: absolute(dir), items };
    const job = { kind: 'hellaswagOfFolder', input, described: { title } };
    const result = await asJobIn(home, job, async (tools) => {
      const file = options.data ?? (await fetched(home, tools));
      return hellaswagOfFolder(dir, file, items, home, device, (done, total) => {
        tools.signal.throwIfAborted();
        tools.progress({ done, total, unit: 'items' });
        line.show(`${formatCount(done)} of ${plural(total, 'item')}`);
      });
    });
    line.done();
    report(dir, result, options.json ? { folder: path.resolve(dir) } : undefined);
  } finally {
    line.done();
  }
}

/** @param json what stands before the result in JSON; undefined: for people */
function report(name: string, result: HellaswagResult, json: object | undefined): void {
  if (json) return console.log(JSON.stringify({ ...json, ...result }));
  console.log(`${onOneLine(name)}, HellaSwag over ${plural(result.items, 'item')}`);
  console.log(`acc       ${accuracy(result.acc, result.accStderr)}`);
  console.log(`acc_norm  ${accuracy(result.accNorm, result.accNormStderr)}`);
}

async function loss(id: string, options: LossOptions): Promise<void> {
  const sequences = parseInteger('--sequences', options.sequences, 1);
  const device = chosenDevice(options);
  const studio = Studio.look(resolveHome(options.home, 'read'));
  const line = progressLine();
  try {
    const { run, step } = findCheckpoint(studio, id);
    reportMoved(studio.runs.configOf(run).device, studio.models.forJob(run, device).config.device, device);
    const { dataset } = options;
    const input = { id: run.id, step, sequences, ...given({ dataset, device }) };
    const work = asJob(studio, { kind: 'validation', input }, async ({ signal, progress }) => {
      for await (const update of studio.models.evaluate(run, step, sequences, dataset, device, signal)) {
        if (update.kind === 'done') return { valLoss: update.valLoss, tokens: update.tokens, bytes: update.bytes };
        progress({ done: update.done, total: update.total, unit: 'sequences' });
        line.show(`${formatCount(update.done)} of ${plural(update.total, 'sequence')}`);
      }
      throw signal.reason;
    });
    await untilInterrupted(
      work.then(({ valLoss, tokens, bytes }) => {
        line.done();
        const bits = bitsPerByte(valLoss, tokens, bytes);
        const result = { valLoss, perplexity: Math.exp(valLoss), bitsPerByte: bits, tokens, bytes };
        if (options.json) console.log(JSON.stringify({ run: run.id, step, ...result }));
        else reportLoss(`${run.name}, step ${formatCount(step)}`, result);
        reportUnkept(studio);
      }, line.cleared),
    );
  } finally {
    line.done();
    studio.close();
  }
}

interface LossResult {
  readonly valLoss: number;
  readonly bitsPerByte: number;
  readonly tokens: number;
  readonly bytes: number;
}

function reportLoss(name: string, { valLoss, bitsPerByte: bits, tokens, bytes }: LossResult): void {
  console.log(`${onOneLine(name)}, over ${plural(tokens, 'token')} (${formatBytes(bytes)} of text)`);
  console.log(`validation loss  ${formatLoss(valLoss)} nats/token`);
  console.log(`perplexity       ${formatPerplexity(valLoss, 3)} per token`);
  console.log(`bits per byte    ${formatLoss(bits)}`);
}

function print(ids: readonly string[], options: Common & { csv?: boolean; markdown?: boolean }): void {
  if (options.csv && options.markdown) throw new UsageError('Give --csv or --markdown, not both.');
  const studio = Studio.look(resolveHome(options.home, 'read'));
  try {
    const { store } = studio;
    const rows =
      ids.length > 0
        ? ids.flatMap((id) => evalRows(store, findRun(studio, id)))
        : allEvalRows(store, store.runs.list({ archived: false }));
    if (options.csv) process.stdout.write(forStream(evalsCsv(rows), process.stdout));
    else if (options.markdown) process.stdout.write(forStream(evalsMarkdown(rows), process.stdout));
    else {
      const { titles, cells } = evalsTable(rows);
      console.log(table(titles, cells));
    }
  } finally {
    studio.close();
  }
}
