import fs from 'node:fs';
import { UsageError } from '../../base/errors.ts';
import { packageFile } from '../../base/paths.ts';
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

/** What a device does at most: by its data sheet, or as it was measured. */
export type Rates = Pick<Gpu, 'bandwidthGBs' | 'f32Tflops' | 'f16Tflops'>;

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
  { f16Tflops, f32Tflops }: Rates,
  precision: Precision,
  { tf32 = false, multipliesMatrices = true } = {},
): number {
  if (!multipliesMatrices) return f32Tflops * 1e12;
  if (precision !== 'f32') return f16Tflops * 1e12;
  return (tf32 ? Math.max(f32Tflops, f16Tflops / 2) : f32Tflops) * 1e12;
}

/** A GPU as its driver describes it. */
type SeenGpu = { readonly name: string; readonly memoryBytes: number };

/** What matrix products could reach at most, FLOP/s: from the data sheet of the GPU's name, NaN when it is not in the table. */
export function peakOf(gpu: SeenGpu, precision: Precision, tf32: boolean): number {
  const sheet = dataSheetOf(gpu);
  return sheet ? peakFlops(sheet, precision, { tf32 }) : Number.NaN;
}

/** How far a GPU's memory may be from its data sheet's, relative: error correction and the driver keep up to 8 % of it. */
const maxOff = 0.1;

/**
 * The row of the table that a GPU's own name and memory belong to: `NVIDIA H100 80GB HBM3` is the table's `NVIDIA H100 80 GB`.
 * Models of one name with another memory have other rates, too.
 */
export function dataSheetOf({ name, memoryBytes }: SeenGpu): Gpu | undefined {
  const off = (g: Gpu) => Math.abs(memoryBytes / (g.memoryMiB * 2 ** 20) - 1);
  return gpus.filter((g) => modelOf(g.name) === modelOf(name) && off(g) <= maxOff).sort((a, b) => off(a) - off(b))[0];
}

/** A name without what models of one kind differ in: a laptop's, a Ti, a PCIe card have other rates. */
const modelOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/nvidia|geforce|\d+ ?gb|sxm\d?|hbm\d\w?/g, ' ')
    .replaceAll(/[-\s]+/g, ' ')
    .trim();
