import { type DeviceChoice, gpuDevice } from '../../engine/devices/choose.ts';
import { findGpu } from '../../engine/fit/gpus.ts';
import { machineBudget, type MemoryBudget, sizedBudget } from '../../studio/budget.ts';

/** See `budgetSchema`. */
export type Budget =
  | { readonly kind: 'machine'; readonly gpu?: number | undefined }
  | { readonly kind: 'gpu'; readonly id: string; readonly reserveMiB: number }
  | { readonly kind: 'memory'; readonly gib: number; readonly reserveMiB: number };

/**
 * @param home of the studio
 * @param device of a run that is asked about, where there is one
 */
export function budgetOf(budget: Budget, home: string, device?: DeviceChoice): MemoryBudget {
  if (budget.kind === 'machine')
    return machineBudget(home, device ?? (budget.gpu === undefined ? undefined : gpuDevice(budget.gpu)));
  const reserveBytes = budget.reserveMiB * 2 ** 20;
  if (budget.kind === 'memory') return sizedBudget(`${budget.gib} GiB`, budget.gib * 2 ** 30, reserveBytes);
  const { name, memoryMiB } = findGpu(budget.id);
  return sizedBudget(name, memoryMiB * 2 ** 20, reserveBytes);
}
