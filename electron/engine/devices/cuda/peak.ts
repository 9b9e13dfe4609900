import { type Gpu, gpus, peakFlops } from '../../fit/gpus.ts';
import type { Precision } from '../../program/types.ts';
import type { GpuDescription } from './addon.ts';

/** What matrix products could reach at most, FLOP/s: from the data sheet of the GPU's name, NaN when it is not in the table. */
export function peakOf(gpu: Pick<GpuDescription, 'name' | 'memoryBytes'>, precision: Precision, tf32: boolean): number {
  const sheet = dataSheetOf(gpu);
  return sheet ? peakFlops(sheet, precision, { tf32 }) : Number.NaN;
}

/** How far a GPU's memory may be from its data sheet's, relative: error correction and the driver keep up to 8 % of it. */
const mostOff = 0.1;

/**
 * The row of the table that a GPU's own name and memory belong to: `NVIDIA H100 80GB HBM3` is the table's `NVIDIA H100 80 GB`.
 * Models of one name with another memory have other rates, too.
 */
export function dataSheetOf({ name, memoryBytes }: Pick<GpuDescription, 'name' | 'memoryBytes'>): Gpu | undefined {
  const off = (g: Gpu) => Math.abs(memoryBytes / (g.memoryMiB * 2 ** 20) - 1);
  return gpus.filter((g) => modelOf(g.name) === modelOf(name) && off(g) <= mostOff).sort((a, b) => off(a) - off(b))[0];
}

/** A name without what models of one kind differ in: a laptop's, a Ti, a PCIe card have other rates. */
const modelOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/nvidia|geforce|\d+ ?gb|sxm\d?|hbm\d\w?/g, ' ')
    .replaceAll(/[-\s]+/g, ' ')
    .trim();
