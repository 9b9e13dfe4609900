import { type Command, Option } from 'commander';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { floorOf } from '../engine/bench/floor.ts';
import { findGpu, type Gpu } from '../engine/fit/gpus.ts';
import type { ModelConfig } from '../engine/gpt2/config.ts';
import { Gpt2 } from '../engine/gpt2/programs.ts';
import { type OptimizerKind, optimizerKinds } from '../engine/optimizers/index.ts';
import { loadPreset } from '../engine/presets.ts';
import { modelFlopsPerToken } from '../engine/program/cost.ts';
import { type Precision, precisions } from '../engine/program/types.ts';
import { formatCount } from '../format.ts';
import { table } from './terminal/table.ts';

interface FloorOptions {
  readonly preset: string;
  readonly precision?: Precision;
  readonly optimizer?: OptimizerKind;
  readonly gpu: string[];
  readonly json?: boolean;
}

const numbers = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 };

export function addFloor(bench: Command): void {
  bench
    .command('floor')
    .description('the least time of each op of a training step on a GPU: its FLOPs and bytes against the data sheet')
    .option('--preset <name>', 'whose model', 'gpt2-medium-4096')
    .addOption(new Option('--precision <type>', 'of activations and working weights').choices([...precisions]))
    .addOption(new Option('--optimizer <kind>', 'format of the moments').choices([...optimizerKinds]))
    .option('--gpu <id...>', 'GPUs of the table', ['rtx-3060-12gb', 'rtx-a5000', 'h100-80gb'])
    .action((_: unknown, self: Command) => runFloor(self.optsWithGlobals<FloorOptions>()));
}

function runFloor(options: FloorOptions): void {
  const gpus = options.gpu.map(findGpu);
  const preset = loadPreset(options.preset).config as {
    readonly model: Omit<ModelConfig, 'vocabSize'>;
    readonly tokenizer?: 'gpt2' | 'bytes';
    readonly batch?: number;
    readonly tokensPerStep?: number;
    readonly precision?: Precision;
    readonly optimizer?: { readonly kind?: OptimizerKind };
  };
  const model = { ...preset.model, vocabSize: getTokenizer(preset.tokenizer ?? 'gpt2').vocabSize };
  const { batch = 1, precision = options.precision ?? preset.precision ?? 'f16' } = preset;
  const time = model.contextLength;
  const tokens = preset.tokensPerStep ?? batch * time;
  const optimizer = options.optimizer ?? preset.optimizer?.kind ?? 'adamw';
  const asked = options.precision ?? precision;
  const { first, further, update } = new Gpt2(model, asked).training({
    ...numbers,
    optimizer,
    batch,
    time,
    recompute: 'none',
  });
  const runs = new Map([
    [first, 1],
    [further, tokens / (batch * time) - 1],
    [update, 1],
  ]);
  const floors = gpus.map((gpu) => ({ gpu, ops: floorOf(runs, gpu) }));
  const flops = tokens * modelFlopsPerToken(model, time);
  if (options.json) {
    console.log(JSON.stringify(floors.map(({ gpu, ops }) => ({ gpu: gpu.id, tokens, ops }))));
    return;
  }
  console.log(
    `${options.preset} in ${asked} with ${optimizer}: a step of ${formatCount(tokens)} tokens, ${formatCount(batch)} × ${formatCount(time)} at a time\n`,
  );
  const rows = floors[0]!.ops.map(({ kind, calls, flops: f, bytes }) => [
    kind,
    formatCount(calls),
    (f / 1e12).toFixed(2),
    (bytes / 1e9).toFixed(2),
    ...floors.map(({ ops }) => {
      const { seconds, bound } = ops.find((o) => o.kind === kind)!;
      return `${(seconds * 1000).toFixed(1)} ${bound === 'memory' ? 'm' : 'a'}`;
    }),
  ]);
  console.log(table(['op', 'calls', 'TFLOP', 'GB', ...floors.map(({ gpu }) => `${shortName(gpu)}, ms`)], rows));
  console.log(
    'a: the arithmetic sets it, m: the memory does. MFU counts attention without its mask, as is usual: it can pass 100 %.\n',
  );
  for (const { gpu, ops } of floors) {
    const seconds = ops.reduce((sum, o) => sum + o.seconds, 0);
    const peak = (asked === 'f32' ? gpu.f32Tflops : gpu.f16Tflops) * 1e12;
    console.log(
      `${gpu.name}: ${seconds.toFixed(2)} s a step at least, ${formatCount(Math.round(tokens / seconds))} tokens/s at most, MFU ${((100 * flops) / seconds / peak).toFixed(1)} % at most`,
    );
  }
}

const shortName = ({ name }: Gpu): string => name.replace(/^NVIDIA (GeForce )?/, '');
