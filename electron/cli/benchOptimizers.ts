import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { prepareDataset } from '../data/index.ts';
import { type OptimizerResult, trialOf } from '../engine/bench/optimizers.ts';
import {
  defaultOptimizer,
  type LowBitStates,
  lowBitStates,
  type OptimizerKind,
  optimizerKinds,
} from '../engine/optimizers/index.ts';
import { type Precision, precisions } from '../engine/program/types.ts';
import { formatBytes } from '../base/format.ts';
import { addBenchDevice, benchDevice, type BenchDeviceFlags } from './benchDevice.ts';
import { parseInteger } from './numbers.ts';
import { table } from './terminal/table.ts';

interface Options extends BenchDeviceFlags {
  readonly text: string[];
  readonly seeds: string;
  readonly steps: string;
  readonly optimizer?: OptimizerKind[];
  readonly precision?: Precision[];
  readonly lowBitStates: LowBitStates;
  readonly json?: boolean;
}

export function addOptimizersBench(bench: Command): void {
  const command = bench
    .command('optimizers')
    .description(
      `train a small model on a text with each optimizer, and compare losses and weights with those of ${defaultOptimizer}`,
    )
    .requiredOption('--text <path...>', 'text files and folders to train on')
    .option('--seeds <n>', 'trainings with each optimizer and precision', '3')
    .option('--steps <n>', 'steps of each training', '400')
    .addOption(new Option('--optimizer <kind...>', `beside ${defaultOptimizer} (all)`).choices(optimizerKinds))
    .addOption(
      new Option('--precision <type...>', 'of activations and half-precision weights (all)').choices(precisions),
    )
    .addOption(new Option('--low-bit-states <kind>', 'see train').choices(lowBitStates).default('stable'));
  addBenchDevice(command)
    .option('--json', 'one line of JSON for each training')
    .action((_: unknown, self: Command) => runOptimizersBench(self.optsWithGlobals<Options>()));
}

async function runOptimizersBench(options: Options): Promise<void> {
  const seeds = parseInteger('--seeds', options.seeds, 1);
  const steps = parseInteger('--steps', options.steps, 1);
  const device = benchDevice(options);
  const others = (options.optimizer ?? optimizerKinds).filter((kind) => kind !== defaultOptimizer);
  const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trainyard-bench-'));
  try {
    const { name } = await prepareDataset({ home, inputs: options.text, tokenizer: 'gpt2' });
    const datasetDir = path.join(home, 'datasets', name);
    for (const precision of options.precision ?? precisions) {
      const results: OptimizerResult[] = [];
      for (let seed = 1; seed <= seeds; seed++) {
        for (const optimizer of [defaultOptimizer, ...others]) {
          const trial = { optimizer, lowBitStates: options.lowBitStates, precision, seed, steps, datasetDir, device };
          const result = await trialOf(trial);
          results.push(result);
          if (options.json) console.log(JSON.stringify(result));
          else console.error(line(result));
        }
      }
      if (!options.json) console.log(`\n${summary(results)}`);
    }
  } finally {
    fs.rmSync(home, { recursive: true, force: true });
  }
}

const line = ({ optimizer, precision, seed, valLoss, seconds }: OptimizerResult): string =>
  `${precision}, seed ${seed}, ${optimizer}: validation loss ${valLoss.toFixed(4)}, ${seconds.toFixed(0)} s`;

/** Never a zero with a sign. */
const signed = (x: number): string => x.toFixed(3).replace(/^-(?=0\.0+$)/, '');

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

/** By optimizer: means over the seeds, each beside the default's of the same seeds, and the worst of the weights. */
function summary(results: readonly OptimizerResult[]): string {
  const of = (kind: string): OptimizerResult[] => results.filter((r) => r.optimizer === kind);
  const base = of(defaultOptimizer);
  const rows = [...new Set(results.map((r) => r.optimizer))].map((kind) => {
    const [own, losses] = [of(kind), of(kind).map((r) => r.valLoss)];
    const worst = own.reduce((a, b) => (b.largestWeight > a.largestWeight ? b : a));
    const grown = Math.max(...own.map((r, i) => r.largestWeight / base[i]!.largestWeight));
    return [
      kind,
      own[0]!.precision,
      mean(losses).toFixed(3),
      signed(mean(losses) - mean(base.map((r) => r.valLoss))),
      losses.map((x) => x.toFixed(3)).join(' '),
      `${worst.largestWeight.toFixed(2)} (${worst.largestIn})`,
      `${grown.toFixed(2)} ×`,
      `${(1000 * Math.max(...own.map((r) => r.lost))).toFixed(1)} ‰`,
      formatBytes(own[0]!.plannedBytes),
    ];
  });
  const head = [
    'optimizer',
    'precision',
    'validation loss',
    `beside ${defaultOptimizer}`,
    'by seed',
    'largest weight',
    `of ${defaultOptimizer}'s`,
    'v lost',
    'memory',
  ];
  return table(head, rows);
}
