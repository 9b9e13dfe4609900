import { floorSeconds, peakOfKind } from '../engine/bench/floor.ts';
import { gpt2, benchStep, type StepBench, type StepResult } from '../engine/bench/step.ts';
import type { ProductChoice } from '../engine/devices/cuda/addon.ts';
import { createCudaDevice, type CudaDevice } from '../engine/devices/cuda/device.ts';
import { dataSheetOf, peakOf } from '../engine/devices/cuda/peak.ts';
import type { OpTime } from '../engine/devices/profile.ts';
import type { Gpu } from '../engine/fit/gpus.ts';
import type { ModelConfig } from '../engine/gpt2/config.ts';
import { optimizerKinds } from '../engine/optimizers/index.ts';
import { loadPreset } from '../engine/presets.ts';
import { messageOf } from '../errors.ts';
import { formatBytes, formatCount } from '../format.ts';
import { table } from './terminal/table.ts';

export interface GpuBenchOptions {
  readonly ordinal: number;
  readonly tf32: boolean;
  readonly rounds: number;
  readonly json: boolean;
  /** Default: GPT-2 124M, and gpt2-medium-4096 with each optimizer. */
  readonly steps?: readonly StepBench[];
}

function usualSteps(): StepBench[] {
  const { model, tokensPerStep } = loadPreset('gpt2-medium-4096').config as {
    readonly model: Omit<ModelConfig, 'vocabSize'>;
    readonly tokensPerStep: number;
  };
  const medium = { ...model, dropout: 0, vocabSize: gpt2.vocabSize };
  const microBatches = tokensPerStep / model.contextLength;
  return [
    ...(['f32', 'bf16', 'f16'] as const).map((precision) => ({ model: gpt2, batch: 1, time: 1024, precision })),
    ...(['bf16', 'f16'] as const).map((precision) => ({ model: gpt2, batch: 8, time: 1024, precision })),
    ...(['f16', 'bf16'] as const).flatMap((precision) =>
      optimizerKinds.map((optimizer) => ({
        ...{ model: medium, batch: 1, time: model.contextLength, precision, optimizer, microBatches },
      })),
    ),
  ];
}

/** Times whole training steps on a GPU, call by call against what its data sheet promises. */
export async function benchGpu(options: GpuBenchOptions): Promise<void> {
  const device = createCudaDevice(options);
  const { gpu } = device;
  const sheet = dataSheetOf(gpu);
  if (!options.json) {
    const promised = sheet
      ? `${sheet.f16Tflops} TFLOP/s in 16 bits, ${sheet.f32Tflops} in f32, ${sheet.bandwidthGBs} GB/s by its data sheet`
      : 'its data sheet is not in the table: no share of its peak can be told';
    const library = gpu.library === '' ? 'own kernels alone' : `own kernels and ${gpu.library}`;
    console.log(`${device.description}, ${gpu.processors} processors, ${promised}; ${library}\n`);
  }
  const results: StepResult[] = [];
  for (const step of options.steps ?? usualSteps()) {
    try {
      const result = await benchStep(device, step, options.rounds);
      results.push(result);
      if (!options.json) print(result, device, step, options.tf32, sheet);
    } catch (error) {
      if (options.json) throw error;
      console.log(`${title(step)}: ${messageOf(error)}\n`);
    }
  }
  const products = device.products();
  if (options.json) console.log(JSON.stringify({ device: device.description, gpu, steps: results, products }));
  else if (products.length > 0) console.log(productTable(gpu.library, products));
}

/** What NVIDIA's library and own kernels took for each product, and who does it. */
function productTable(library: string, products: readonly ProductChoice[]): string {
  const ms = (seconds: number) => (seconds > 0 ? (seconds * 1000).toFixed(3) : '');
  const rows = products.map(({ product, algorithm, ownSeconds, librarySeconds }) => [
    product,
    ms(ownSeconds),
    ms(librarySeconds),
    algorithm === '' ? 'own' : 'library',
  ]);
  return table(['product', 'own kernels, ms', `${library}, ms`, 'who does it'], rows);
}

const title = ({ model, batch, time, precision, optimizer = 'adamw' }: StepBench): string =>
  `${model.nLayer} layers, ${model.nEmbd} wide, batch ${batch} × ${formatCount(time)}, ${precision}, ${optimizer}`;

function print(r: StepResult, { gpu }: CudaDevice, step: StepBench, tf32: boolean, sheet: Gpu | undefined): void {
  const peak = peakOf(gpu, r.precision, tf32);
  const rate = r.modelFlops / r.seconds;
  const share = Number.isNaN(peak) ? '' : `, MFU ${((100 * rate) / peak).toFixed(1)} %`;
  const held =
    r.heldBytes === undefined
      ? ''
      : `, ${formatBytes(r.heldBytes)} less of the GPU free (${difference(r)} than the plan)`;
  const tokens = r.microBatches * r.batch * r.time;
  const ms = (seconds: number) => (seconds * 1000).toFixed(1);
  console.log(
    `${title(step)}: ${formatCount(Math.round(tokens / r.seconds))} tokens/s, ${(rate / 1e12).toFixed(1)} TFLOP/s${share} in steps of ${formatCount(tokens)} tokens ` +
      `(${r.microBatches === 1 ? 'a micro-batch' : `${r.microBatches} micro-batches`} at ${ms(r.microSeconds)} ms, update ${ms(r.updateSeconds)} ms)`,
  );
  console.log(
    `plan ${formatBytes(r.plannedBytes)}${r.pagedBytes > 0 ? ` and ${formatBytes(r.pagedBytes)} paged` : ''}, ` +
      `allocated ${formatBytes(r.allocatedBytes)}${held}`,
  );
  console.log(`${opTable(r.ops, r.steps, r.precision, sheet)}\n`);
}

function difference({ heldBytes = 0, plannedBytes }: StepResult): string {
  const share = (100 * (heldBytes - plannedBytes)) / plannedBytes;
  return `${Math.abs(share).toFixed(2)} % ${share < 0 ? 'less' : 'more'}`;
}

/** Milliseconds of one step by kind of call, and what share of them the data sheet says is needed. */
function opTable(
  ops: readonly OpTime[],
  steps: number,
  precision: StepBench['precision'],
  sheet: Gpu | undefined,
): string {
  const all = ops.reduce((sum, o) => sum + o.seconds, 0);
  const rows = ops.map(({ kind, calls, seconds, flops, bytes }) => {
    const floor = sheet ? floorSeconds(flops, bytes, peakOfKind(kind, precision, sheet), sheet) : Number.NaN;
    return [
      kind,
      Math.round((10 * calls) / steps) / 10,
      ((seconds * 1000) / steps).toFixed(3),
      `${((100 * seconds) / all).toFixed(1)} %`,
      (flops / seconds / 1e12).toFixed(2),
      (bytes / seconds / 1e9).toFixed(0),
      sheet ? ((floor * 1000) / steps).toFixed(3) : '',
      sheet ? `${((100 * floor) / seconds).toFixed(1)} %` : '',
    ];
  });
  return table(['op', 'calls', 'ms', 'share', 'TFLOP/s', 'GB/s', 'floor, ms', 'of floor'], rows);
}
