import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { createCudaDevice } from '../engine/devices/cuda/device.ts';
import type { Device } from '../engine/devices/device.ts';
import { requireDevice } from '../engine/devices/usual.ts';
import type { ModelConfig } from '../engine/gpt2/config.ts';
import { precisions } from '../engine/program/types.ts';
import { trainBoth } from '../engine/verify/trainBoth.ts';
import { type Verified, verifyDevice } from '../engine/verify/verifyDevice.ts';
import { formatBytes, formatCount } from '../format.ts';
import { benchGpu } from './benchGpu.ts';
import { table } from './terminal/table.ts';

/** Shapes of gpt2-medium-4096, one layer deep: deeper ones repeat them. */
const usualModel: ModelConfig = {
  vocabSize: 50257,
  contextLength: 4096,
  nLayer: 1,
  nHead: 16,
  nEmbd: 1024,
  dropout: 0,
};

export interface GpuExamination {
  readonly ordinal: number;
  readonly tf32: boolean;
  /** The shapes of the calls that are compared. Default: those of gpt2-medium-4096. */
  readonly model?: ModelConfig;
  /** Whether whole steps are timed behind it. */
  readonly bench?: boolean;
}

/**
 * Compares every op on a GPU with the processor at real shapes, trains a small model on both, and times whole steps.
 * @returns whether all is right
 */
export async function examineGpu({
  ordinal,
  tf32,
  model = usualModel,
  bench = true,
}: GpuExamination): Promise<boolean> {
  requireDevice({ kind: 'cuda', gpu: ordinal });
  const reference = createCpuDevice();
  // Own kernels first, and alone: where the library is faster they would not be looked at.
  const own = createCudaDevice({ ordinal, tf32, library: null });
  const { gpu } = own;
  const driver = gpu.overheadBytes >= 0 ? `, the driver holds ${formatBytes(gpu.overheadBytes)} for this process` : '';
  console.log(
    `${own.description} (sm_${gpu.computeCapability.replace('.', '')}, ${gpu.driver}): ${formatBytes(gpu.memoryBytes)}, ${formatBytes(gpu.freeBytes)} free${driver}`,
  );
  console.log(
    `every op against ${reference.description}, ${formatCount(model.contextLength)} tokens, ${formatCount(model.nEmbd)} wide; this takes some minutes\n`,
  );
  let allRight = await examine(own, reference, model, tf32);
  const both = createCudaDevice({ ordinal, tf32 });
  if (both.gpu.library !== '') {
    console.log(`with ${both.gpu.library} where it is faster`);
    allRight = (await examine(both, reference, model, tf32)) && allRight;
  }
  if (bench) await benchGpu({ ordinal, tf32, rounds: 5, json: false });
  return allRight;
}

/** Compares every op, then whole trainings. @returns whether all is right */
async function examine(device: Device, reference: Device, model: ModelConfig, tf32: boolean): Promise<boolean> {
  const results = await verifyDevice(device, reference, { model, batch: 1, tf32 }, (v) => {
    if (!v.ok) console.log(`wrong: ${describe(v)}`);
  });
  console.log(verifiedTable(results));
  const wrong = results.filter((r) => !r.ok);
  console.log(`${results.length} results compared, ${wrong.length === 0 ? 'all right' : `${wrong.length} WRONG`}\n`);

  const trained = [];
  for (const precision of precisions) trained.push(await trainBoth(device, reference, precision, { tf32 }));
  for (const { precision, losses, expected, difference, limit } of trained) {
    const [last, other] = [losses.at(-1)!.toFixed(4), expected.at(-1)!.toFixed(4)];
    const verdict = difference <= limit ? 'right' : 'WRONG';
    console.log(
      `${losses.length} steps of training in ${precision}: loss ${last}, on the processor ${other}, at most ${difference.toExponential(1)} apart: ${verdict}`,
    );
  }
  console.log('');
  return wrong.length === 0 && trained.every(({ difference, limit }) => difference <= limit);
}

const describe = ({ call, result, difference, limit }: Verified): string =>
  `${call.kind} in ${call.precision}, ${result}: ${difference.toExponential(1)} apart, ${limit.toExponential(1)} at most ` +
  JSON.stringify({ ...call.dims, ...call.attrs, accumulate: [...call.accumulate] });

/** The worst of each kind, precision and result. */
function verifiedTable(results: readonly Verified[]): string {
  const worst = new Map<string, Verified & { count: number }>();
  for (const r of results) {
    const key = `${r.call.kind} ${r.call.precision} ${r.result}`;
    const old = worst.get(key);
    const isWorse = !old || r.difference / r.limit > old.difference / old.limit;
    worst.set(key, { ...(isWorse ? r : old), count: (old?.count ?? 0) + 1 });
  }
  const rows = [...worst.values()].map(({ call, result, difference, limit, count, ok }) => [
    ...[call.kind, call.precision, result, count],
    difference.toExponential(1),
    limit.toExponential(1),
    ok ? '✓' : 'WRONG',
  ]);
  return table(['op', 'precision', 'result', 'calls', 'largest difference', 'allowed', ''], rows);
}
