import { type Command, Option } from 'commander';
import { type StepFloor, stepFloor } from '../engine/bench/floor.ts';
import { type Gpu, gpus } from '../engine/fit/gpus.ts';
import { optimizerKinds } from '../engine/optimizers/index.ts';
import { recomputePolicies } from '../engine/program/recorder.ts';
import { precisions } from '../engine/program/types.ts';
import { UsageError } from '../base/errors.ts';
import { formatCount, plural } from '../base/format.ts';
import { gpuOf } from './benchSheet.ts';
import { type PresetFlags, presetSettings } from './presetSettings.ts';
import { table } from './terminal/table.ts';

interface FloorOptions extends PresetFlags {
  readonly gpu: string[];
  readonly tf32?: boolean;
  readonly json?: boolean;
}

const gpuIds = gpus.map((g) => g.id).join(', ');
const defaultGpus = ['rtx-3060-12gb', 'rtx-a5000', 'h100-80gb'];

export function addFloor(bench: Command): void {
  bench
    .command('floor')
    .description('the least time of each op of a training step on a GPU: its FLOPs and bytes against the data sheet')
    .option('--preset <name>', 'whose model', 'gpt2-medium-4096')
    .option('--batch <n>', 'sequences in a micro-batch')
    .addOption(new Option('--precision <type>', 'of activations and half-precision weights').choices([...precisions]))
    .addOption(new Option('--optimizer <kind>', 'format of the moments').choices([...optimizerKinds]))
    .addOption(
      new Option('--recompute <policy>', 'activation checkpointing: what the backward pass recomputes').choices([
        ...recomputePolicies,
      ]),
    )
    .option('--tf32', 'with --precision f32: TF32 matmuls')
    .option('--gpu <id...>', `GPUs: here (this machine's), here:1 (its second), ${gpuIds}`, defaultGpus)
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runFloor(self.optsWithGlobals<FloorOptions>()));
}

function runFloor(options: FloorOptions): void {
  const chosen = options.gpu.map(gpuOf);
  const { config, tokensPerStep } = presetSettings(options);
  const { model, batch, precision, optimizer, recompute } = config;
  const micro = batch * model.contextLength;
  if (tokensPerStep % micro !== 0) {
    throw new UsageError(
      `--batch ${batch} makes micro-batches of ${plural(micro, 'token')}, and a step of ${options.preset} has ${formatCount(tokensPerStep)}: choose one that divides it.`,
    );
  }
  const { tf32 = false } = options;
  if (tf32 && precision !== 'f32')
    throw new UsageError(`--tf32 belongs to --precision f32, not to ${precision}: give that, or leave --tf32 out.`);
  const floors = chosen.map((gpu) => ({ gpu, ...stepFloor({ ...config, tokensPerStep }, gpu, tf32) }));
  if (options.json) {
    const reported = floors.map(({ gpu, ...floor }) => ({ gpu: gpu.id, ...floor }));
    console.log(JSON.stringify({ preset: options.preset, ...config, tokensPerStep, tf32, gpus: reported }));
    return;
  }
  const again = recompute === 'none' ? '' : `, recompute ${recompute}`;
  console.log(
    `${options.preset} in ${precision}${tf32 ? ' (TF32 matmuls)' : ''} with ${optimizer}${again}: a step of ${plural(tokensPerStep, 'token')}, ${formatCount(batch)} × ${formatCount(model.contextLength)} at a time\n`,
  );
  console.log(opTable(floors));
  console.log(
    'a: the arithmetic sets it, m: the memory does. MFU counts attention without its mask, the common definition: it can exceed 100 %.\n',
  );
  for (const { gpu, seconds, tokensPerSecond, mfu } of floors) {
    console.log(
      `${gpu.name}: ${seconds.toPrecision(4)} s/step at least, ${formatCount(tokensPerSecond)} tokens/s at most, MFU ${(100 * mfu).toFixed(1)} % at most`,
    );
  }
}

function opTable(floors: readonly (StepFloor & { readonly gpu: Gpu })[]): string {
  const rows = floors[0]!.ops.map(({ kind, calls, flops, bytes }) => [
    kind,
    formatCount(calls),
    brief(flops / 1e12),
    brief(bytes / 1e9),
    ...floors.map(({ ops }) => {
      const { seconds, bound } = ops.find((o) => o.kind === kind)!;
      return `${brief(seconds * 1000)} ${bound === 'memory' ? 'm' : 'a'}`;
    }),
  ]);
  return table(['op', 'calls', 'TFLOP', 'GB', ...floors.map(({ gpu }) => `${shortName(gpu)}, ms`)], rows);
}

/** Two digits behind the point, or two digits that count of what is smaller. */
const brief = (x: number): string => (x === 0 || x >= 0.1 ? x.toFixed(2) : x.toPrecision(2));

const shortName = ({ name }: Gpu): string => name.replace(/^NVIDIA (GeForce )?/, '');
