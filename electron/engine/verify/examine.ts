import { messageOf } from '../../base/errors.ts';
import type { Device } from '../devices/device.ts';
import type { ModelConfig } from '../models/index.ts';
import { type OptimizerKind, optimizerKinds } from '../optimizers/index.ts';
import { type Precision, precisions } from '../program/types.ts';
import type { Claim } from './claims.ts';
import { type TrainedAgain, trainAgain, type TrainedAgainOptions } from './trainAgain.ts';
import { type TrainedBoth, type TrainedBothOptions, trainBoth } from './trainBoth.ts';
import { headDimOf, type Verified, verifyDevice } from './verifyDevice.ts';

/** The worst of all calls of a kind in a precision, by result. */
export interface VerifiedKind {
  readonly kind: string;
  readonly precision: Precision;
  readonly result: string;
  readonly calls: number;
  readonly difference: number;
  readonly limit: number;
  readonly ok: boolean;
}

export interface Examination {
  readonly device: string;
  readonly ops: readonly VerifiedKind[];
  readonly trained: readonly TrainedBoth[];
  readonly again: readonly TrainedAgain[];
  readonly claims: readonly Claim[];
}

export interface TrainedKind {
  readonly precision: Precision;
  readonly optimizer: OptimizerKind;
}

const allKinds: readonly TrainedKind[] = precisions.flatMap((precision) =>
  optimizerKinds.map((optimizer) => ({ precision, optimizer })),
);

export interface ExaminationOptions {
  /** The shapes of the calls that are compared: see `VerifyOptions`. */
  readonly models: readonly ModelConfig[];
  /** What trainings are of. Default: each precision with each optimizer. */
  readonly kinds?: readonly TrainedKind[];
  /** What is trained on both devices. Default: see `trainBoth`. */
  readonly alike?: TrainedBothOptions;
  /** What is trained again and again to the same bits. */
  readonly again: TrainedAgainOptions;
  readonly tf32: boolean;
  /** Behind each claim: which kernels it is of. */
  readonly of: string;
}

/**
 * Compares every op of a device with a reference, trains on both in every precision with every optimizer, and trains
 * again to the same bits. What fails makes its claim false, and the rest is looked at all the same.
 * @param report is given what is wrong, and what is done, as it comes
 */
export async function examineDevice(
  tested: Device,
  reference: Device,
  options: ExaminationOptions,
  report: (text: string) => void,
): Promise<Examination> {
  const { models, tf32, kinds = allKinds, alike: training = {}, of } = options;
  const claims: Claim[] = [];
  const claim = (what: string, ok: boolean, detail: string) => claims.push({ claim: `${what}, ${of}`, ok, detail });

  const verified: Verified[] = [];
  const ops = await attempt(async () => {
    await verifyDevice(tested, reference, { models, batch: 1, tf32 }, (v) => {
      verified.push(v);
      if (!v.ok) report(`wrong: ${describe(v)}`);
    });
  });
  claim('every op as on the processor', ops.ok && verified.every((v) => v.ok), ops.error ?? verdictOn(verified));
  for (const width of new Set(models.map((m) => m.nEmbd / m.nHead))) {
    const own = verified.filter((v) => headDimOf(v.call) === width);
    const ok = own.length > 0 && own.every((v) => v.ok);
    claim(`attention with heads ${width} wide`, ops.ok && ok, ops.error ?? verdictOn(own));
  }

  const trained: TrainedBoth[] = [];
  const again: TrainedAgain[] = [];
  for (const precision of new Set(kinds.map((k) => k.precision))) {
    const alike = await attempt(async () => {
      for (const kind of kinds.filter((k) => k.precision === precision)) {
        const result = await trainBoth(tested, reference, kind, { ...training, tf32 });
        trained.push(result);
        report(describeTraining(result));
      }
    });
    const own = trained.filter((t) => t.precision === precision);
    claim(`trains as the processor does in ${precision}, with each optimizer`, alike.ok && own.every((t) => t.ok), alike.error ?? worstOf(own)); // prettier-ignore
  }
  const bits = await attempt(async () => {
    for (const kind of kinds) again.push(await trainAgain(tested, kind, options.again));
  });
  for (const [key, what] of [
    ['again', 'the same bits when trained twice'],
    ['paused', 'the same bits behind a pause'],
  ] as const) {
    const other = again.filter((a) => a[key] !== undefined);
    const reported = other.map((a) => `${a.optimizer} in ${a.precision}: ${a[key]}`).join('; ');
    const right = `${again.length} pairs of precision and optimizer, ${options.again.steps} steps each`;
    claim(what, bits.ok && other.length === 0, bits.error ?? (reported || right));
  }
  return { device: tested.description, ops: byKind(verified), trained, again, claims };
}

async function attempt(work: () => Promise<void>): Promise<{ readonly ok: boolean; readonly error?: string }> {
  try {
    await work();
    return { ok: true };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

function verdictOn(results: readonly Verified[]): string {
  const wrong = results.filter((r) => !r.ok).length;
  return `${results.length} results compared${wrong > 0 ? `, ${wrong} wrong` : ''}`;
}

const describe = ({ call, result, difference, limit }: Verified): string =>
  `${call.kind} in ${call.precision}, ${result}: ${difference.toExponential(1)} apart, ${limit.toExponential(1)} at most ` +
  JSON.stringify({ ...call.dims, ...call.attrs, accumulate: [...call.accumulate] });

function describeTraining({ precision, optimizer, losses, expected, difference, ok }: TrainedBoth): string {
  const [last, other] = [losses.at(-1)!.toFixed(4), expected.at(-1)!.toFixed(4)];
  return `${losses.length} steps in ${precision} with ${optimizer}: loss ${last}, on the processor ${other}, at most ${difference.toExponential(1)} apart: ${ok ? 'right' : 'WRONG'}`;
}

function worstOf(trained: readonly TrainedBoth[]): string {
  const worst = [...trained].sort((a, b) => b.difference - a.difference)[0]!;
  return `losses ${worst.difference.toExponential(1)} apart at most (${worst.optimizer}), ${worst.limit.toExponential(0)} allowed`;
}

function byKind(results: readonly Verified[]): VerifiedKind[] {
  const worst = new Map<string, VerifiedKind>();
  for (const { call, result, difference, limit, ok } of results) {
    const { kind, precision } = call;
    const key = `${kind} ${precision} ${result}`;
    const old = worst.get(key);
    const calls = (old?.calls ?? 0) + 1;
    const isWorse = !old || difference / limit > old.difference / old.limit;
    worst.set(key, isWorse ? { kind, precision, result, calls, difference, limit, ok } : { ...old, calls });
  }
  return [...worst.values()];
}
