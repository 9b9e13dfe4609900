import path from 'node:path';
import type { Command } from 'commander';
import { createLogUpdate } from 'log-update';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import { UsageError } from '../base/errors.ts';
import type { HellaswagResult } from '../evals/hellaswag/score.ts';
import { adoptFile, validationFile, validationItems } from '../evals/hellaswag/source.ts';
import { formatBytes, formatLoss, formatPerplexity, plural } from '../base/format.ts';
import { allEvalRows, bitsPerByte, evalRows, evalsCsv, evalsMarkdown, evalsTable } from '../studio/evals.ts';
import { resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { checkpointHelp, findCheckpoint, findRun } from './checkpointArgument.ts';
import { addDeviceFlags, chosenDevice, type DeviceFlags, reportMoved } from './device.ts';
import { hellaswagOfFolder, isFolder } from './evalFolder.ts';
import { abortable, onInterrupt } from './interrupts.ts';
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
    .option('--items <n>', `items, the first of the validation set's ${validationItems}`, String(validationItems))
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

/** A line that redraws itself on a terminal; elsewhere nothing. */
function progressLine(): { show: (text: string) => void; done: () => void } {
  if (!process.stderr.isTTY) return { show() {}, done() {} };
  const log = createLogUpdate(process.stderr);
  return { show: log, done: () => log.clear() };
}

/** HellaSwag's validation set, fetched if it is not there, with progress. */
export async function fetchItems(home: string): Promise<string> {
  const line = progressLine();
  try {
    const onProgress = (done: number, total: number) =>
      line.show(`downloading HellaSwag: ${formatBytes(done)} of ${formatBytes(total)}`);
    return await abortable((signal) => validationFile(home, { onProgress, signal }));
  } finally {
    line.done();
  }
}

/** Ends what is going on when the user has had enough: what is done is stored. */
async function untilInterrupted<T>(items: AsyncGenerator<T>, take: (item: T) => void): Promise<boolean> {
  let exitCode: number | undefined;
  let stop = (): void => {};
  const interrupted = new Promise<undefined>((resolve) => (stop = () => resolve(undefined)));
  const off = onInterrupt((interrupt) => {
    if (interrupt.count > 1) process.exit(interrupt.exitCode);
    ({ exitCode } = interrupt);
    stop();
  });
  try {
    for (;;) {
      const next = await Promise.race([items.next(), interrupted]);
      if (!next || next.done) break;
      take(next.value);
    }
  } finally {
    off();
    // An engine at work is not waited for: leaving ends it.
    void items.return(undefined);
  }
  if (exitCode !== undefined) process.exitCode = exitCode;
  return exitCode === undefined;
}

const accuracy = (p: number, error: number): string => `${p.toFixed(4)} ± ${error.toFixed(4)}`;

/** @throws UsageError where a folder's bare name is a run's as well */
function requireOneMeaning(home: string, id: string): void {
  if (/[\\/]/.test(id)) return;
  const studio = Studio.look(home);
  try {
    const run = studio.store.listRuns().find((r) => r.id === id || r.name === id);
    if (run) throw new UsageError(`${id} is a folder here and a run (${run.id}): say ./${id} or ${run.id}.`);
  } finally {
    studio.close();
  }
}

async function hellaswag(id: string, options: HellaswagOptions): Promise<void> {
  const items = parseInteger('--items', options.items, 1);
  const device = chosenDevice(options);
  const home = resolveHome(options.home);
  if (isFolder(id)) {
    requireOneMeaning(home, id);
    return folder(id, home, items, device, options);
  }
  const studio = Studio.open(home);
  const line = progressLine();
  try {
    const { run, step } = findCheckpoint(studio, id);
    reportMoved(studio.configOf(run).device, studio.forJob(run, device).config.device, device);
    const file = options.data ?? (await fetchItems(home));
    const started = performance.now();
    let before: number | undefined;
    const whole = await untilInterrupted(studio.hellaswag(run, step, file, items, device), (update) => {
      if (update.kind === 'progress') {
        before ??= update.done;
        const rate = (update.done - before) / ((performance.now() - started) / 1000);
        const acc = update.acc === undefined ? '' : `, acc ${update.acc.toFixed(4)}`;
        line.show(`${update.done} of ${update.total} items${acc}, ${rate.toFixed(1)} items/s`);
        return;
      }
      line.done();
      report(`${run.name}, step ${step}`, update.result, options.json ? { run: run.id, step } : undefined);
    });
    if (whole) return;
    line.done();
    console.error('stopped, progress saved: run the same command to resume');
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
    const file = options.data ?? (await fetchItems(home));
    const result = await hellaswagOfFolder(dir, file, items, home, device, (done, total) =>
      line.show(`${done} of ${total} items`),
    );
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
  const studio = Studio.open(resolveHome(options.home));
  const line = progressLine();
  try {
    const { run, step } = findCheckpoint(studio, id);
    reportMoved(studio.configOf(run).device, studio.forJob(run, device).config.device, device);
    const updates = studio.evaluate(run, step, sequences, options.dataset, device);
    const whole = await untilInterrupted(updates, (update) => {
      if (update.kind === 'progress') return line.show(`${update.done} of ${update.total} sequences`);
      line.done();
      const { valLoss, tokens, bytes } = update;
      const result = {
        valLoss,
        perplexity: Math.exp(valLoss),
        bitsPerByte: bitsPerByte(valLoss, tokens, bytes),
        tokens,
        bytes,
      };
      if (options.json) return console.log(JSON.stringify({ run: run.id, step, ...result }));
      console.log(
        `${onOneLine(run.name)}, step ${step}, over ${plural(tokens, 'token')} (${formatBytes(bytes)} of text)`,
      );
      console.log(`validation loss  ${formatLoss(valLoss)} nats/token`);
      console.log(`perplexity       ${formatPerplexity(valLoss, 3)} per token`);
      console.log(`bits per byte    ${formatLoss(result.bitsPerByte)}`);
    });
    if (!whole) console.error('stopped');
  } finally {
    line.done();
    studio.close();
  }
}

function print(ids: readonly string[], options: Common & { csv?: boolean; markdown?: boolean }): void {
  if (options.csv && options.markdown) throw new UsageError('Give --csv or --markdown, not both.');
  const studio = Studio.look(resolveHome(options.home, 'read'));
  try {
    const { store } = studio;
    const rows =
      ids.length > 0
        ? ids.flatMap((id) => evalRows(store, findRun(studio, id)))
        : allEvalRows(store, store.listRuns({ archived: false }));
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
