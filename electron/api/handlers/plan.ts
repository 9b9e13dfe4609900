import { advise, matrix } from '../../engine/fit/advice.ts';
import { type FitConfig, fit } from '../../engine/fit/fit.ts';
import { findGpu } from '../../engine/fit/gpus.ts';
import { parameterCount } from '../../engine/gpt2/config.ts';
import type { DeviceChoice } from '../../engine/devices/usual.ts';
import { machineBudget, type MemoryBudget, sizedBudget } from '../../studio/budget.ts';
import type { MatrixReport, PlanReport } from '../types.ts';

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
    return machineBudget(home, device ?? (budget.gpu === undefined ? undefined : { kind: 'cuda', gpu: budget.gpu }));
  const reserveBytes = budget.reserveMiB * 2 ** 20;
  if (budget.kind === 'memory') return sizedBudget(`${budget.gib} GiB`, budget.gib * 2 ** 30, reserveBytes);
  const { name, memoryMiB } = findGpu(budget.id);
  return sizedBudget(name, memoryMiB * 2 ** 20, reserveBytes);
}

/** What a config needs, held against a budget: the numbers of `trainyard fit`. */
export function planReport(config: FitConfig, { isApart, hostBytes, ...budget }: MemoryBudget): PlanReport {
  const plan = fit(config);
  const free = budget.totalBytes - budget.reserveBytes;
  const leftThere = free - plan.totalBytes - (isApart ? 0 : plan.hostBytes);
  // Whichever memory has too little is what is told.
  const leftHost = hostBytes === undefined ? 0 : hostBytes - plan.hostBytes;
  const left = leftThere < 0 || leftHost >= 0 ? leftThere : leftHost;
  return {
    parameters: parameterCount(config.model),
    totalBytes: plan.totalBytes,
    hostBytes: plan.hostBytes,
    roles: Object.entries(plan.roleBytes)
      .filter(([role, bytes]) => bytes > 0 && role !== 'paged')
      .map(([role, bytes]) => ({ role, bytes })),
    peak: plan.peak ? { program: plan.peak.program, op: plan.peak.call.kind, scope: plan.peak.call.scope } : null,
    budget,
    left,
    advice:
      left >= 0
        ? []
        : advise(config, free, { hostBytes }).map(({ extraFlops, config: c, ...way }) => ({
            ...way,
            extraWork: extraFlops,
            config: {
              batch: c.batch,
              precision: c.precision ?? 'f32',
              recompute: c.recompute,
              optimizer: c.optimizer ?? 'adamw',
            },
          })),
  };
}

const batches = [1, 2, 4, 8];

export function matrixReport(config: FitConfig, { totalBytes, reserveBytes }: MemoryBudget): MatrixReport {
  return { batches, rows: matrix(config, batches), budgetBytes: totalBytes - reserveBytes };
}
