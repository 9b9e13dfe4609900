import Table from 'cli-table3';
import type { Command } from 'commander';
import { benchProducts } from '../engine/bench/products.ts';
import { benchStep, type StepResult } from '../engine/bench/step.ts';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { formatBytes } from '../format.ts';
import { parseInteger } from './numbers.ts';

interface BenchOptions {
  readonly threads?: string;
  readonly repetitions: string;
  readonly json?: boolean;
}

const giga = (x: number): string => (x / 1e9).toFixed(1);
const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;
const steps = [
  [4, 64],
  [1, 1024],
] as const;

export function addBench(program: Command): void {
  program
    .command('bench')
    .description("measure this machine's peak, the matrix products of GPT-2 124M and whole training steps")
    .option('--threads <n>', 'threads (all cores)')
    .option('--repetitions <n>', 'timed repetitions of everything; the median counts', '7')
    .option('--json', 'one line of JSON instead of tables')
    .action(runBench);
}

async function runBench(options: BenchOptions): Promise<void> {
  const repetitions = parseInteger('--repetitions', options.repetitions, 1);
  const device = createCpuDevice(
    options.threads === undefined ? {} : { threads: parseInteger('--threads', options.threads, 1) },
  );
  const say = (text: string) => options.json || console.log(text);
  say(device.description);
  const peaks = [device.fmaPeak()];
  const products = [];
  for (const rows of [256, 1024]) products.push(...(await benchProducts(device, rows, repetitions)));
  peaks.push(device.fmaPeak());
  const results: StepResult[] = [];
  for (const [batch, time] of steps) {
    results.push(await benchStep(device, batch, time, repetitions));
    peaks.push(device.fmaPeak());
  }
  // The machine is shared and its clock varies: the best of the measurements made in between is the peak.
  const peak = Math.max(...peaks.map((p) => p.allThreads));
  const oneCore = Math.max(...peaks.map((p) => p.oneCore));
  if (options.json) {
    console.log(JSON.stringify({ device: device.description, oneCore, peak, peaks, products, steps: results }));
    return;
  }
  say(`multiply-add peak: ${giga(oneCore)} GFLOP/s on one core, ${giga(peak)} GFLOP/s on ${device.threads} threads\n`);
  const table = new Table({ head: ['matrix product of GPT-2 124M', 'rows × in × out', 'GFLOP/s', 'of peak'] });
  for (const p of products) {
    const rate = p.flops / p.seconds;
    table.push([p.name, p.shape, giga(rate), percent(rate / peak)]);
  }
  say(table.toString());
  const flops = products.reduce((a, p) => a + p.flops, 0);
  const seconds = products.reduce((a, p) => a + p.seconds, 0);
  say(`all together: ${percent(flops / seconds / peak)} of peak\n`);
  for (const r of results) printStep(r, peak, say);
}

function printStep(r: StepResult, peak: number, say: (text: string) => void): void {
  const rate = r.modelFlops / r.seconds;
  say(
    `training step of GPT-2 124M, batch ${r.batch} × ${r.time}: ${(r.seconds * 1000).toFixed(0)} ms, ` +
      `${Math.round((r.batch * r.time) / r.seconds)} tokens/s, ${giga(rate)} GFLOP/s, ${percent(rate / peak)} of peak; ` +
      `plan ${formatBytes(r.plannedBytes)}, allocated ${formatBytes(r.allocatedBytes)}`,
  );
  const table = new Table({ head: ['op', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'] });
  for (const o of r.ops) {
    table.push([
      o.kind,
      o.calls,
      (o.seconds * 1000).toFixed(1),
      percent(o.seconds / r.seconds),
      giga(o.flops / o.seconds),
      giga(o.bytes / o.seconds),
    ]);
  }
  say(`${table.toString()}\n`);
}
