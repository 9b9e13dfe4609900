import type { GpuDevice, ProductChoice } from '../devices/gpu.ts';
import type { OpTime } from '../devices/profile.ts';
import { dataSheetOf, type Gpu, peakOf } from '../fit/gpus.ts';
import { messageOf } from '../../base/errors.ts';
import { floorSeconds, peakOfKind } from './floor.ts';
import type { PytorchResult } from './pytorch.ts';
import { benchStep, DoesNotFit, type StepBench, type StepResult } from './step.ts';

/** A step that is timed on a GPU. */
export interface GpuStep extends StepBench {
  /** Whether it is timed in PyTorch too, where that is asked for. */
  readonly besidePytorch?: boolean;
}

/** What PyTorch did with the same step, and how many times as fast this one is. */
export type Beside = (PytorchResult & { readonly ratio: number }) | { readonly error: string };

export interface BenchedStep extends StepResult {
  readonly step: GpuStep;
  readonly tokensPerSecond: number;
  /** Of matrix products by the data sheet, FLOP/s; null where the GPU is not in the table. */
  readonly peak: number | null;
  /** Model FLOPs utilization, of 1. */
  readonly mfu: number | null;
  /** With the least time that the data sheet allows, for all timed steps together. */
  readonly ops: readonly (OpTime & { readonly floorSeconds: number | null })[];
  readonly pytorch?: Beside;
}

export interface FailedStep {
  readonly step: GpuStep;
  readonly error: string;
  /** How much more memory it would take, where that is why: the GPU is too small, nothing is wrong. */
  readonly missingBytes?: number;
}

export type BenchEntry = BenchedStep | FailedStep;

export interface GpuBench {
  readonly device: string;
  readonly gpu: GpuDevice['gpu'];
  readonly tf32: boolean;
  /** The row of the table of GPUs. */
  readonly sheet: Gpu | null;
  readonly steps: readonly BenchEntry[];
  /** Who multiplies what. */
  readonly products: readonly ProductChoice[];
}

export interface GpuBenchOptions {
  readonly steps: readonly GpuStep[];
  readonly tf32: boolean;
  readonly rounds: number;
  /** Times a step in PyTorch. */
  readonly pytorch?: ((step: StepBench) => Promise<PytorchResult>) | undefined;
}

/** Times whole training steps on a GPU, each for itself: what fails of one is told, and the others are timed. */
export async function benchGpu(
  device: GpuDevice,
  options: GpuBenchOptions,
  report: (entry: BenchEntry) => void = () => {},
): Promise<GpuBench> {
  const sheet = dataSheetOf(device.gpu) ?? null;
  const steps: BenchEntry[] = [];
  for (const step of options.steps) {
    const entry = await benchOne(device, step, sheet, options);
    steps.push(entry);
    report(entry);
  }
  const { description, gpu } = device;
  return { device: description, gpu, tf32: options.tf32, sheet, steps, products: device.products() };
}

async function benchOne(
  device: GpuDevice,
  step: GpuStep,
  sheet: Gpu | null,
  { rounds, tf32, pytorch }: GpuBenchOptions,
): Promise<BenchEntry> {
  let result: StepResult;
  try {
    result = await benchStep(device, step, rounds);
  } catch (error) {
    return {
      step,
      error: messageOf(error),
      ...(error instanceof DoesNotFit ? { missingBytes: error.missingBytes } : {}),
    };
  }
  const { precision, seconds, microBatches, batch, time } = result;
  const tokensPerSecond = (microBatches * batch * time) / seconds;
  const peak = sheet ? peakOf(device.gpu, precision, tf32) : null;
  return {
    ...result,
    step,
    tokensPerSecond,
    peak,
    mfu: peak && result.modelFlops / seconds / peak,
    ops: result.ops.map((o) => ({
      ...o,
      floorSeconds: sheet && floorSeconds(o.flops, o.bytes, peakOfKind(o.kind, precision, sheet, tf32), sheet),
    })),
    // Behind ours, whose memory has been given back: both have the GPU for themselves.
    ...(pytorch && step.besidePytorch ? { pytorch: await beside(pytorch, step, tokensPerSecond) } : {}),
  };
}

async function beside(
  pytorch: (step: StepBench) => Promise<PytorchResult>,
  step: StepBench,
  tokensPerSecond: number,
): Promise<Beside> {
  try {
    const result = await pytorch(step);
    return { ...result, ratio: tokensPerSecond / result.tokensPerSecond };
  } catch (error) {
    return { error: messageOf(error) };
  }
}
