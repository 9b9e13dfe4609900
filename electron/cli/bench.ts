import type { Command } from 'commander';
import type { Beside } from '../engine/bench/gpu.ts';
import { benchProducts, type ProductResult } from '../engine/bench/products.ts';
import { kindOf, processorKind } from '../engine/devices/registry.ts';
import { benchStep, smallGpt, type StepBench, type StepResult } from '../engine/bench/step.ts';
import { precisions } from '../engine/program/types.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { formatBytes, plural } from '../base/format.ts';
import { benchStore } from '../studio/store/bench.ts';
import { addDataBench } from './benchData.ts';
import { addBenchDevice, addRoundingFlags, benchDevice, type BenchDeviceFlags } from './benchDevice.ts';
import { addFloor } from './benchFloor.ts';
import { findPytorch, pytorchLine, runGpuBench, type UsablePytorch } from './benchGpu.ts';
import { addOptimizersBench } from './benchOptimizers.ts';
import { addEvaluationBenches } from './benchEvaluation.ts';
import { parseInteger } from './numbers.ts';
import { profileTable } from './profileTable.ts';
import { table } from './terminal/table.ts';

interface BenchOptions extends BenchDeviceFlags {
  readonly rounds: string;
  readonly json?: boolean;
}

const giga = (x: number): string => (x / 1e9).toFixed(1);
const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
const steps = [
  [4, 64, 'f32'],
  [1, 1024, 'f32'],
  [1, 1024, 'bf16'],
  [1, 1024, 'f16'],
] as const;

export function addBench(bench: Command): void {
  addRoundingFlags(addBenchDevice(bench))
    .option('--pytorch <python>', 'a Python with PyTorch, which trains GPT-2 124M beside it')
    .option('--rounds <n>', 'repetitions; the median counts', '9')
    .option('--json', 'one line of JSON instead of tables')
    .action(runBench)
    .hook('preAction', refuseUnused);
  addEvaluationBenches(bench);
  addDataBench(bench);
  addFloor(bench);
  addOptimizersBench(bench);
  bench
    .command('store')
    .description('measure how fast metrics are stored and read')
    .option('--rows <n>', 'steps in the run', '1000000')
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runStoreBench(self.optsWithGlobals<{ rows: string; json?: boolean }>()));
}

/**
 * Flags of `bench` itself are taken behind its subcommands, too: those that a subcommand does not declare do nothing there.
 * @throws UsageError that names the first
 */
function refuseUnused(bench: Command, called: Command): void {
  if (called === bench) return;
  const isUsed = (name: string) => called.options.some((o) => o.attributeName() === name);
  const given = bench.options.filter((o) => bench.getOptionValueSource(o.attributeName()) === 'cli');
  const unused = given.find((o) => !isUsed(o.attributeName()));
  if (unused) throw new UsageError(`bench ${called.name()} has no ${unused.long}: leave it out.`);
}

async function runBench(options: BenchOptions): Promise<void> {
  const rounds = parseInteger('--rounds', options.rounds, 1);
  const chosen = benchDevice(options);
  if (kindOf(chosen.kind).gpus) {
    const { tf32 = false, json = false, pytorch: python } = options;
    if (!(await runGpuBench({ ordinal: chosen.gpu ?? 0, tf32, rounds, json, python }))) process.exitCode = 1;
    return;
  }
  const device = processorKind.openProcessor({ ...chosen });
  const { pytorch: python } = options;
  const pytorch = python === undefined ? undefined : await findPytorch(python, { threads: device.threads });
  const peaks = [device.fmaPeak()];
  const products = [];
  for (const rows of [256, 1024]) {
    products.push(...(await benchProducts(device, rows, rounds, precisions)));
    peaks.push(device.fmaPeak());
  }
  const results: ProcessorStep[] = [];
  for (const [batch, time, precision] of steps) {
    const step = { model: smallGpt, batch, time, precision };
    const result = await benchStep(device, step, rounds);
    results.push({ ...result, ...(pytorch ? { pytorch: await beside(pytorch, step, result, rounds) } : {}) });
    peaks.push(device.fmaPeak());
  }
  // The machine's clock varies and others may use it: the best of the measurements made in between is the peak.
  const peak = Math.max(...peaks.map((p) => p.allThreads));
  const oneCore = Math.max(...peaks.map((p) => p.oneCore));
  if (options.json) {
    console.log(JSON.stringify({ device: device.description, oneCore, peak, peaks, products, steps: results }));
    return;
  }
  console.log(device.description);
  console.log(
    `multiply-add peak: ${giga(oneCore)} GFLOP/s on one core, ${giga(peak)} GFLOP/s on ${plural(device.threads, 'thread')}\n`,
  );
  printProducts(products, peak);
  for (const r of results) printStep(r, peak);
}

/** A step on the processor, and what PyTorch did with it, compiled and not. */
interface ProcessorStep extends StepResult {
  readonly pytorch?: readonly Beside[];
}

/** The same step in PyTorch, which has no loss scale in float16 on processors. */
async function beside(
  { program }: UsablePytorch,
  step: StepBench,
  { seconds }: StepResult,
  rounds: number,
): Promise<Beside[]> {
  if (step.precision === 'f16') return [];
  const results: Beside[] = [];
  for (const compile of [false, true]) {
    try {
      const result = await program.time(step, rounds, { compile });
      results.push({ ...result, ratio: result.seconds / seconds });
    } catch (error) {
      results.push({ error: messageOf(error) });
    }
  }
  return results;
}

/** Speeds in float32, and how many times faster the same product is in half precision. */
function printProducts(products: readonly ProductResult[], peak: number): void {
  const [full, ...halves] = precisions.map((p) => products.filter((r) => r.precision === p));
  const times = (a: number, b: number) => `${(a / b).toFixed(2)} ×`;
  const rows = full!.map((p, i) => [
    p.name,
    p.shape,
    giga(p.flops / p.seconds),
    percent(p.flops / p.seconds / peak),
    ...halves.map((h) => times(p.seconds, h[i]!.seconds)),
  ]);
  const titles = ['matmul of GPT-2 124M', 'rows × in × out', 'GFLOP/s in f32', 'of peak', ...precisions.slice(1)];
  console.log(table(titles, rows));
  const flops = full!.reduce((a, p) => a + p.flops, 0);
  const seconds = (results: readonly ProductResult[]) => results.reduce((a, p) => a + p.seconds, 0);
  const faster = halves.map((h) => `${times(seconds(full!), seconds(h))} as fast in ${h[0]!.precision}`).join(', ');
  console.log(`overall: ${percent(flops / seconds(full!) / peak)} of peak in f32, ${faster}\n`);
}

async function runStoreBench(options: { rows: string; json?: boolean }): Promise<void> {
  const result = await benchStore(parseInteger('--rows', options.rows, 10_000));
  if (options.json) {
    console.log(JSON.stringify(result));
    return;
  }
  const { rows, insertMicroseconds, shareOfStep, smallFlushMs, fileBytes } = result;
  console.log(`${plural(rows, 'step')} with ${plural(result.reads.length, 'measure')} each, ${formatBytes(fileBytes)}`);
  console.log(
    `storing  ${insertMicroseconds.toFixed(1)} µs/step in batches: ${percent(shareOfStep)} of a training step of 10 ms; ` +
      `the rows of a second, ten of them, in ${smallFlushMs.toFixed(2)} ms`,
  );
  const reads = result.reads.map((r) => [r.metric, r.ms.toFixed(1), r.points]);
  console.log(`reading, decimated to 1000 intervals, the slowest range:\n${table(['measure', 'ms', 'points'], reads)}`);
}

function printStep(r: ProcessorStep, peak: number): void {
  const rate = r.modelFlops / r.seconds;
  console.log(
    `training step of GPT-2 124M in ${r.precision}, batch ${r.batch} × ${r.time}: ${(r.seconds * 1000).toFixed(0)} ms, ` +
      `${Math.round((r.batch * r.time) / r.seconds)} tokens/s, ${giga(rate)} GFLOP/s, ${percent(rate / peak)} of the f32 peak; ` +
      `plan ${formatBytes(r.plannedBytes)}, allocated ${formatBytes(r.allocatedBytes)}`,
  );
  for (const result of r.pytorch ?? []) console.log(pytorchLine(result));
  console.log(`${profileTable(r.ops, r.steps)}\n`);
}
