import os from 'node:os';
import { lookAtGpu } from '../../engine/devices/cuda/device.ts';
import { usualDevice } from '../../engine/devices/usual.ts';
import { advise, matrix } from '../../engine/fit/advice.ts';
import { type FitConfig, fit } from '../../engine/fit/fit.ts';
import { findGpu } from '../../engine/fit/gpus.ts';
import { parameterCount } from '../../engine/gpt2/config.ts';
import type { MatrixReport, PlanReport } from '../types.ts';

/** See `budgetSchema`. */
export type Budget =
  | { readonly kind: 'machine' }
  | { readonly kind: 'gpu'; readonly id: string; readonly reserveMiB: number }
  | { readonly kind: 'memory'; readonly gib: number; readonly reserveMiB: number };

export function budgetOf(budget: Budget): PlanReport['budget'] {
  if (budget.kind === 'machine') return machineBudget();
  const reserveBytes = budget.reserveMiB * 2 ** 20;
  if (budget.kind === 'memory') return { name: `${budget.gib} GiB`, totalBytes: budget.gib * 2 ** 30, reserveBytes };
  const { name, memoryMiB } = findGpu(budget.id);
  return { name, totalBytes: memoryMiB * 2 ** 20, reserveBytes };
}

/** What the driver takes for a process that trains: measured when a run starts, reserved until then. */
const driverBytes = 512 * 2 ** 20;

/** The GPU of this machine, where it has one that a run would take, else its own memory. */
function machineBudget(): PlanReport['budget'] {
  if (usualDevice() !== 'cuda') return { name: 'this machine', totalBytes: os.totalmem(), reserveBytes: 0 };
  const { name, memoryBytes, freeBytes } = lookAtGpu(0);
  return {
    name: `this machine's ${name}`,
    totalBytes: memoryBytes,
    reserveBytes: memoryBytes - freeBytes + driverBytes,
  };
}

/** Where host and device are one, what is paged counts too. */
const neededBytes = (plan: { totalBytes: number; hostBytes: number }, budget: Budget): number =>
  plan.totalBytes + (budget.kind === 'machine' && usualDevice() !== 'cuda' ? plan.hostBytes : 0);

/** What a config needs, held against a budget: the numbers of `trainyard fit`. */
export function planReport(config: FitConfig, asked: Budget): PlanReport {
  const plan = fit(config);
  const budget = budgetOf(asked);
  const free = budget.totalBytes - budget.reserveBytes;
  const left = free - neededBytes(plan, asked);
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
        : advise(config, free).map(({ extraFlops, config: c, ...way }) => ({
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

export function matrixReport(config: FitConfig, asked: Budget): MatrixReport {
  const { totalBytes, reserveBytes } = budgetOf(asked);
  return { batches, rows: matrix(config, batches), budgetBytes: totalBytes - reserveBytes };
}
