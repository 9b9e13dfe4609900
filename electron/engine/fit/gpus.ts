import fs from 'node:fs';
import { UsageError } from '../../errors.ts';
import { packageFile } from '../../paths.ts';
import type { Precision } from '../program/types.ts';

export interface Gpu {
  readonly id: string;
  readonly name: string;
  /** Memory on the board, MiB, from public data sheets. */
  readonly memoryMiB: number;
  /** Memory bandwidth, 10⁹ bytes a second. */
  readonly bandwidthGBs: number;
  /** Peak rates, 10¹² FLOP/s: float32 without tensor cores; float16 with them, accumulated in float32, not sparse. */
  readonly f32Tflops: number;
  readonly f16Tflops: number;
}

/** The GPUs that the calculator knows. */
export const gpus: readonly Gpu[] = JSON.parse(fs.readFileSync(packageFile('resources/gpus.json'), 'utf8'));

/** @throws UsageError that lists the ids when there is none of that id */
export function findGpu(id: string): Gpu {
  const gpu = gpus.find((g) => g.id === id.toLowerCase());
  if (!gpu)
    throw new UsageError(`There is no GPU "${id}" in the table. Choose from ${gpus.map((g) => g.id).join(', ')}.`);
  return gpu;
}

/**
 * What a GPU can compute at most, FLOP/s, by its data sheet. Tensor cores take products of matrices alone: those in 16
 * bits, and float32 at half that rate where factors may be rounded (NVIDIA's data sheets of Ampere, Ada and Hopper).
 */
export function peakFlops(
  { f16Tflops, f32Tflops }: Gpu,
  precision: Precision,
  { tf32 = false, multipliesMatrices = true } = {},
): number {
  if (!multipliesMatrices) return f32Tflops * 1e12;
  if (precision !== 'f32') return f16Tflops * 1e12;
  return (tf32 ? Math.max(f32Tflops, f16Tflops / 2) : f32Tflops) * 1e12;
}
