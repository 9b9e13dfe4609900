import { type Gpu, gpus, peakFlops } from '../../fit/gpus.ts';
import type { Precision } from '../../program/types.ts';
import type { GpuDescription } from './addon.ts';

/** What matrix products could reach at most, FLOP/s: from the data sheet of the GPU's name, NaN when it is not in the table. */
export function peakOf(gpu: Pick<GpuDescription, 'name' | 'memoryBytes'>, precision: Precision, tf32: boolean): number {
  const sheet = dataSheetOf(gpu);
  return sheet ? peakFlops(sheet, precision, { tf32 }) : Number.NaN;
}

/** The row of the table that a GPU's own name and memory belong to: `NVIDIA H100 80GB HBM3` is the table's `NVIDIA H100 80 GB`. */
export function dataSheetOf({ name, memoryBytes }: Pick<GpuDescription, 'name' | 'memoryBytes'>): Gpu | undefined {
  const off = (g: Gpu) => Math.abs(g.memoryMiB * 2 ** 20 - memoryBytes);
  return gpus.filter((g) => modelOf(g.name) === modelOf(name)).sort((a, b) => off(a) - off(b))[0];
}

/** A name without what models of one kind differ in: a laptop's, a Ti, a PCIe card have other rates. */
const modelOf = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/nvidia|geforce|\d+ ?gb|sxm\d?|hbm\d\w?/g, ' ')
    .replaceAll(/[-\s]+/g, ' ')
    .trim();
