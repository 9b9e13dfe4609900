import { type BenchedStep, type BenchEntry, benchGpu, type GpuBench, type GpuStep } from '../engine/bench/gpu.ts';
import { type FoundPytorch, Pytorch, type PytorchPlace } from '../engine/bench/pytorch.ts';
import type { GpuDevice, GpuKind, ProductChoice } from '../engine/devices/gpu.ts';
import { gpuKind } from '../engine/devices/registry.ts';
import { dataSheetOf } from '../engine/fit/gpus.ts';
import { smallGpt, type HeldMemory } from '../engine/bench/step.ts';
import { defaultOptimizer, optimizerKinds } from '../engine/optimizers/index.ts';
import { messageOf, UserError } from '../base/errors.ts';
import { formatBytes, formatCount, plural } from '../base/format.ts';
import { presetSettings } from './presetSettings.ts';
import { profileTable } from './profileTable.ts';
import { table } from './terminal/table.ts';

export interface GpuBenchCommand {
  readonly ordinal: number;
  readonly tf32: boolean;
  readonly rounds: number;
  readonly json: boolean;
  /** A Python with PyTorch, which times GPT-2 124M too. */
  readonly python?: string | undefined;
  /** Default: GPT-2 124M, and gpt2-medium-4096 with each optimizer. */
  readonly steps?: readonly GpuStep[];
  /** Default: the GPU of that number. */
  readonly device?: GpuDevice;
}

/** GPT-2 124M at 1024 tokens, with nanoGPT's 12 sequences among others, and gpt2-medium-4096 with every optimizer. */
function defaultSteps(): GpuStep[] {
  const small = { model: smallGpt, time: 1024, besidePytorch: true };
  const { config, tokensPerStep } = presetSettings({ preset: 'gpt2-medium-4096' });
  const { model, batch } = config;
  const microBatches = tokensPerStep / (batch * model.contextLength);
  const medium = { model, batch, time: model.contextLength, microBatches };
  return [
    { ...small, batch: 1, precision: 'f32' },
    ...([1, 8, 12] as const).flatMap((size) =>
      (['bf16', 'f16'] as const).map((precision) => ({ ...small, batch: size, precision })),
    ),
    ...(['f16', 'bf16'] as const).flatMap((precision) =>
      optimizerKinds.map((optimizer) => ({ ...medium, precision, optimizer })),
    ),
  ];
}

/** @throws UserError where the GPU can't be used, such as when others have taken all of its memory */
export function openGpu(options: Parameters<GpuKind['open']>[0]): GpuDevice {
  try {
    return gpuKind.gpus.open(options);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `GPU ${options.ordinal} can't be used: ${messageOf(error)}. \`trainyard doctor\` says what this machine has.`,
    );
  }
}

/**
 * Times whole training steps on a GPU, call by call against what its data sheet promises, and prints them.
 * @returns whether none has failed, in PyTorch neither; one that does not fit has not
 * @throws UserError before anything is timed where PyTorch is asked for and not there, or the GPU can't be used
 */
export async function runGpuBench(command: GpuBenchCommand): Promise<boolean> {
  const { ordinal, tf32, json, python } = command;
  const pytorch = python === undefined ? undefined : await findPytorch(python, { gpu: ordinal });
  const device = command.device ?? openGpu({ ordinal, tf32 });
  const bench = await measureGpu(device, { ...command, pytorch }, json ? () => {} : (line) => console.log(line));
  if (json) console.log(JSON.stringify(bench));
  return bench.steps.every((s) => ('error' in s ? s.missingBytes !== undefined : !(s.pytorch && 'error' in s.pytorch)));
}

/** What is timed, and beside what. */
interface Measurement extends Pick<GpuBenchCommand, 'tf32' | 'rounds' | 'steps'> {
  readonly pytorch?: UsablePytorch | undefined;
}

/** Times the steps. @param report is given what is printed, as it comes */
export async function measureGpu(
  device: GpuDevice,
  { tf32, rounds, pytorch, steps = defaultSteps() }: Measurement,
  report: (text: string) => void,
): Promise<GpuBench> {
  report(`${headline(device)}\n`);
  if (pytorch) report(`beside PyTorch ${pytorch.torch} on ${pytorch.gpu}\n`);
  const time = pytorch && ((step: GpuStep) => pytorch.program.time(step, rounds, { tf32 }));
  const bench = await benchGpu(device, { steps, tf32, rounds, pytorch: time }, (entry) => report(describe(entry)));
  if (bench.products.length > 0) report(productTable(bench.gpu.library, bench.products));
  return bench;
}

/** A PyTorch that is there. */
export interface UsablePytorch extends FoundPytorch {
  readonly program: Pytorch;
}

/** @throws UserError that says what is missing */
export async function findPytorch(python: string, place: PytorchPlace): Promise<UsablePytorch> {
  const program = new Pytorch(python, place);
  try {
    return { program, ...(await program.find()) };
  } catch (error) {
    throw new UserError(
      `--pytorch ${python}: ${messageOf(error).replace(/\.$/, '')}. ${'gpu' in place ? 'Name a Python whose PyTorch sees the GPU' : 'Name a Python that has PyTorch'}, or leave --pytorch out.`,
    );
  }
}

function headline({ description, gpu }: GpuDevice): string {
  const sheet = dataSheetOf(gpu);
  const promised = sheet
    ? `${sheet.f16Tflops} TFLOP/s in 16 bits, ${sheet.f32Tflops} in f32, ${sheet.bandwidthGBs} GB/s by its data sheet`
    : 'its data sheet is not in the table: share of peak unknown';
  const library = gpu.library === '' ? 'own kernels alone' : `own kernels and ${gpu.library}`;
  return `${description}, ${gpu.processors} processors, ${promised}; ${library}`;
}

/** What NVIDIA's library and own kernels took for each product, and who does it. */
function productTable(library: string, products: readonly ProductChoice[]): string {
  const ms = (seconds: number) => (seconds > 0 ? (seconds * 1000).toFixed(3) : '');
  const rows = products.map(({ product, algorithm, ownSeconds, librarySeconds }) => [
    product,
    ms(ownSeconds),
    ms(librarySeconds),
    algorithm === '' ? 'own' : 'library',
  ]);
  return table(['product', 'own kernels, ms', `${library}, ms`, 'who does it'], rows);
}

const title = ({ model, batch, time, precision, optimizer = defaultOptimizer }: GpuStep): string =>
  `${plural(model.nLayer, 'layer')}, ${model.nEmbd} wide, batch ${batch} × ${formatCount(time)}, ${precision}, ${optimizer}`;

function describe(entry: BenchEntry): string {
  if ('error' in entry) return `${title(entry.step)}: ${entry.error}\n`;
  const { mfu, microBatches, microSeconds, updateSeconds } = entry;
  const share = mfu === null ? '' : `, MFU ${(100 * mfu).toFixed(1)} %`;
  const ms = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
  const parts = `${microBatches > 1 ? `${microBatches} × ` : ''}${ms(microSeconds)} and ${ms(updateSeconds)} for the update`;
  const lines = [
    `${title(entry.step)}: ${ms(entry.seconds)}/step (${parts}), ${formatCount(entry.tokensPerSecond)} tokens/s${share}`,
    memoryLine(entry),
    ...(entry.pytorch ? [pytorchLine(entry.pytorch)] : []),
    profileTable(entry.ops, entry.steps),
  ];
  return `${lines.join('\n')}\n`;
}

function memoryLine({ plannedBytes, pagedBytes, memory }: BenchedStep): string {
  const paged = pagedBytes > 0 ? ` and ${formatBytes(pagedBytes)} of the host's memory` : '';
  return `plan ${formatBytes(plannedBytes)}${paged}${memory ? heldLine(plannedBytes, memory) : ''}`;
}

function heldLine(plannedBytes: number, { arenaBytes, overheadBytes, processBytes }: HeldMemory): string {
  const off = arenaBytes - plannedBytes;
  const differing = `arenas ${formatBytes(Math.abs(off))} ${off > 0 ? 'more' : 'less'} than that`;
  const arenas = off === 0 ? 'arenas the same to the byte' : differing;
  return `, ${arenas}; with ${formatBytes(overheadBytes)} of the driver's the process holds ${formatBytes(processBytes)}`;
}

export function pytorchLine(beside: NonNullable<BenchedStep['pytorch']>): string {
  if ('error' in beside) return `PyTorch: ${beside.error}`;
  const { tokensPerSecond, peakBytes, ratio, compiled, reason } = beside;
  const how = compiled ? 'compiled' : `not compiled: ${reason}`;
  return `PyTorch (${how}): ${formatCount(tokensPerSecond)} tokens/s, ${formatBytes(peakBytes)} at most; this is ${ratio.toFixed(2)} × as fast`;
}
