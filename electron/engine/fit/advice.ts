import {
  defaultNumbers,
  defaultOptimizer,
  familyOf,
  type OptimizerKind,
  optimizerKinds,
  optimizerOf,
} from '../optimizers/index.ts';
import { programCost } from '../program/cost.ts';
import { type Recompute, recomputePolicies } from '../program/recorder.ts';
import type { Precision } from '../program/types.ts';
import { Model } from '../models/programs.ts';
import { type FitConfig, fit } from './fit.ts';
import { finish, type Steps } from './steps.ts';

/** Those that differ in memory: what float16 needs, bfloat16 needs too. */
const widths = ['f32', 'f16'] as const satisfies readonly Precision[];

/** A changed config that needs less memory, and what that costs. */
export interface Advice {
  readonly config: FitConfig;
  /** Each change, for people: `recompute attention`. */
  readonly changes: readonly string[];
  readonly totalBytes: number;
  readonly savedBytes: number;
  /** Work that is done besides: computed again, as a part of what a micro-batch takes without. */
  readonly extraFlops: number;
  /** Bytes that pass between the host and the device at every optimizer step. */
  readonly pagedBytes: number;
}

/**
 * The cheapest changes after which a config fits: half precision (bfloat16, which needs no loss scaling) and other formats
 * of the moments, whose rounding costs no time; smaller micro-batches (more of them make the same step), recomputation, paging. The model stays as it is.
 * @param bytes what the device has for the plan
 * @param options how many ways are wanted, each of which needs a set of changes that holds no other one's; what the host has
 * for what is paged
 */
export function* adviseSteps(
  config: FitConfig,
  bytes: number,
  { count = 3, hostBytes: hostHas = Number.POSITIVE_INFINITY }: { count?: number; hostBytes?: number | undefined } = {},
): Steps<Advice[]> {
  const before = fit(config).totalBytes;
  const flopsOf = microBatchFlops();
  const flops = flopsOf(config);
  const ways: (Advice & { readonly cost: number })[] = [];
  const { precision: now = 'f32', optimizer: kind = defaultOptimizer } = config;
  const family = familyOf(kind);
  const smaller = family.slice(family.indexOf(kind));
  const settings = (now === 'f32' ? (['f32', 'bf16'] as const) : [now]).flatMap((precision) =>
    recomputePolicies.slice(recomputePolicies.indexOf(config.recompute)).map((recompute) => ({ precision, recompute })),
  );
  for (const { precision, recompute } of settings) {
    for (const optimizer of smaller) {
      for (let batch = config.batch; batch >= 1; batch = batch === 1 ? 0 : Math.ceil(batch / 2)) {
        const changed: FitConfig = { ...config, precision, recompute, optimizer, batch };
        const changes = changesOf(config, changed);
        if (changes.length === 0) continue;
        yield;
        const { totalBytes, hostBytes } = fit(changed);
        if (totalBytes > bytes || hostBytes > hostHas) continue;
        const extraFlops = flopsOf(changed) / batch / (flops / config.batch) - 1;
        const pagedBytes = 2 * hostBytes;
        // Recomputation weighs most, then paging, then what rounds more; among equals fewer changes come first.
        const halvings = Math.log2(config.batch / batch);
        const cost =
          extraFlops +
          (pagedBytes > 0 ? 0.02 : 0) +
          (precision === now ? 0 : 0.0005) +
          0.001 * optimizerOf(optimizer).compactness +
          0.002 * halvings +
          1e-4 * changes.length;
        ways.push({
          config: changed,
          changes,
          totalBytes,
          savedBytes: before - totalBytes,
          extraFlops,
          pagedBytes,
          cost,
        });
      }
    }
  }
  ways.sort((a, b) => a.cost - b.cost);
  const chosen: Advice[] = [];
  for (const { cost: _, ...way } of ways) {
    const isMore = chosen.some((c) => c.changes.every((change) => way.changes.includes(change)));
    if (!isMore) chosen.push(way);
    if (chosen.length === count) break;
  }
  return chosen;
}

/** See `adviseSteps`. */
export const advise = (...asked: Parameters<typeof adviseSteps>): Advice[] => finish(adviseSteps(...asked));

function changesOf(from: FitConfig, to: FitConfig): string[] {
  const changes: string[] = [];
  if (to.precision !== (from.precision ?? 'f32')) changes.push(`precision ${to.precision}`);
  if (to.optimizer !== (from.optimizer ?? defaultOptimizer)) changes.push(`optimizer ${to.optimizer}`);
  if (to.batch !== from.batch) changes.push(`batch ${to.batch}`);
  if (to.recompute !== from.recompute) changes.push(`recompute ${to.recompute}`);
  return changes;
}

/** Work of a micro-batch, the same in every precision and with every optimizer: each is counted once. */
function microBatchFlops(): (config: FitConfig) => number {
  const known = new Map<string, number>();
  return ({ model, batch, recompute }) => {
    const key = `${batch} ${recompute}`;
    const count = () => {
      const settings = { ...defaultNumbers, batch, time: model.contextLength, recompute };
      return programCost(new Model(model).training(settings).first).flops;
    };
    const flops = known.get(key) ?? count();
    known.set(key, flops);
    return flops;
  };
}

export interface MatrixRow {
  readonly optimizer: OptimizerKind;
  /** `f16` stands for bfloat16 as well. */
  readonly precision: (typeof widths)[number];
  readonly recompute: Recompute;
  /** By batch: what the device must have. */
  readonly totalBytes: readonly number[];
}

/** What every optimizer, precision and recomputation needs with some sizes of the micro-batch. */
export function* matrixSteps(config: FitConfig, batches: readonly number[]): Steps<MatrixRow[]> {
  const rows: MatrixRow[] = [];
  for (const optimizer of optimizerKinds) {
    for (const precision of widths) {
      for (const recompute of recomputePolicies) {
        const totalBytes: number[] = [];
        for (const batch of batches) {
          totalBytes.push(fit({ ...config, optimizer, precision, recompute, batch }).totalBytes);
          yield;
        }
        rows.push({ optimizer, precision, recompute, totalBytes });
      }
    }
  }
  return rows;
}

/** See `matrixSteps`. */
export const matrix = (...asked: Parameters<typeof matrixSteps>): MatrixRow[] => finish(matrixSteps(...asked));
