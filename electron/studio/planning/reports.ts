import { adviseSteps, matrixSteps } from '../../engine/fit/advice.ts';
import { type FitConfig, fit } from '../../engine/fit/fit.ts';
import type { Steps } from '../../engine/fit/steps.ts';
import { parameterCount } from '../../engine/models/index.ts';
import { defaultOptimizer } from '../../engine/optimizers/index.ts';
import type { BudgetPart, MemoryBudget } from '../budget.ts';

/** What a plan takes, and what it is held against. */
export interface PlanReport {
  readonly parameters: number;
  readonly totalBytes: number;
  /** In the host's memory, where the device has its own. */
  readonly hostBytes: number;
  readonly roles: readonly { readonly role: string; readonly bytes: number }[];
  readonly peak: { readonly program: string; readonly op: string; readonly scope: string } | null;
  readonly budget: {
    readonly name: string;
    readonly totalBytes: number;
    /** What no plan can have: all of `parts`. */
    readonly reserveBytes: number;
    readonly parts: readonly BudgetPart[];
  };
  /** Bytes left over; negative: missing. */
  readonly left: number;
  readonly advice: readonly {
    readonly changes: readonly string[];
    readonly savedBytes: number;
    readonly totalBytes: number;
    /** Work that is done besides, as a part. */
    readonly extraWork: number;
    readonly pagedBytes: number;
    readonly config: {
      readonly batch: number;
      readonly precision: string;
      readonly recompute: string;
      readonly optimizer: string;
    };
  }[];
}

export interface MatrixReport {
  readonly batches: readonly number[];
  readonly rows: readonly {
    readonly optimizer: string;
    /** `f16` stands for bfloat16 as well. */
    readonly precision: string;
    readonly recompute: string;
    readonly totalBytes: readonly number[];
  }[];
  readonly budgetBytes: number;
}

/** What a config needs, held against a budget: the numbers of `trainyard fit`. */
export function* planReport(config: FitConfig, { isApart, hostBytes, ...budget }: MemoryBudget): Steps<PlanReport> {
  yield;
  const plan = fit(config);
  const free = budget.totalBytes - budget.reserveBytes;
  const leftThere = free - plan.totalBytes - (isApart ? 0 : plan.hostBytes);
  // Whichever memory has too little is what is told.
  const leftHost = hostBytes === undefined ? 0 : hostBytes - plan.hostBytes;
  const left = leftThere < 0 || leftHost >= 0 ? leftThere : leftHost;
  const ways = left >= 0 ? [] : yield* adviseSteps(config, free, { hostBytes });
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
    advice: ways.map(({ extraFlops, config: c, ...way }) => ({
      ...way,
      extraWork: extraFlops,
      config: {
        batch: c.batch,
        precision: c.precision ?? 'f32',
        recompute: c.recompute,
        optimizer: c.optimizer ?? defaultOptimizer,
      },
    })),
  };
}

const batches = [1, 2, 4, 8];

/** What every optimizer, precision and recomputation needs, held against a budget. */
export function* matrixReport(config: FitConfig, { totalBytes, reserveBytes }: MemoryBudget): Steps<MatrixReport> {
  return { batches, rows: yield* matrixSteps(config, batches), budgetBytes: totalBytes - reserveBytes };
}
