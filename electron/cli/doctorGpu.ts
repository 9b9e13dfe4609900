import type { GpuBench, GpuStep } from '../engine/bench/gpu.ts';
import type { Device } from '../engine/devices/device.ts';
import type { GpuDevice } from '../engine/devices/gpu.ts';
import { gpuKind, processorKind } from '../engine/devices/registry.ts';
import type { ModelConfig } from '../engine/models/index.ts';
import { type Claim, claimsOfBench, claimsOfDriver } from '../engine/verify/claims.ts';
import { type Examination, type ExaminationOptions, examineDevice } from '../engine/verify/examine.ts';
import { messageOf } from '../base/errors.ts';
import { formatBytes } from '../base/format.ts';
import { driverMemoryOf } from '../studio/driverMemory.ts';
import { measureGpu, openGpu } from './benchGpu.ts';
import { table } from './terminal/table.ts';

/** Shapes of gpt2-medium-4096, one layer deep: deeper ones repeat them. */
const wide: ModelConfig = { vocabSize: 50257, contextLength: 4096, nLayer: 1, nHead: 16, nEmbd: 1024, dropout: 0 };
/** The widest heads that kernels have, of 128. */
const wideHeads: ModelConfig = { ...wide, vocabSize: 1024, contextLength: 1024, nHead: 8 };
/** Large enough that every product and sum is shared by many blocks. */
const trained: ModelConfig = { ...wide, vocabSize: 8192, contextLength: 1024, nLayer: 2, dropout: 0.1 };

const defaults: Omit<ExaminationOptions, 'tf32' | 'of'> = {
  models: [wide, wideHeads],
  again: { model: trained, batch: 1, steps: 4 },
};

export interface GpuExamination {
  readonly ordinal: number;
  readonly tf32: boolean;
  readonly json: boolean;
  /** What is compared and trained. Default: shapes of gpt2-medium-4096. */
  readonly examined?: Omit<ExaminationOptions, 'tf32' | 'of'>;
  /** Whole steps that are timed. Default: those that `bench` times on a GPU. */
  readonly steps?: readonly GpuStep[];
  /** How often they are timed. Default: 5. */
  readonly rounds?: number;
  /** Opens the GPU; with own kernels alone, where that is asked for. */
  readonly open?: (ownKernels: boolean) => GpuDevice;
  /** NVIDIA's library of matrix products, with its version; empty: there is none. Default: what is found. */
  readonly library?: string;
  readonly reference?: Device;
}

/**
 * Compares every op on a GPU with the processor at real shapes, trains on both, trains again to the same bits, and times
 * whole steps with an eye on memory. Own kernels first, and alone: where the library is faster they would not be looked
 * at. Prints a table of verdicts, or all that was found as JSON.
 * @returns whether all checks passed
 */
export async function examineGpu(examination: GpuExamination): Promise<boolean> {
  const { ordinal, tf32, json, examined = defaults, steps, rounds = 5 } = examination;
  const { reference = processorKind.openProcessor({}) } = examination;
  const open = examination.open ?? ((ownKernels: boolean) => openGpu({ ordinal, tf32, ownKernels }));
  const report = json ? () => {} : (text: string) => console.log(text);

  const own = open(true);
  report(headline(own));
  report(`every op against ${reference.description}; this takes minutes\n`);
  const examinations = [await look(own, reference, { ...examined, tf32, of: 'own kernels' }, report)];
  const claims: Claim[] = claimsOfDriver(own.gpu, driverMemoryOf(undefined, own.gpu.name).bytes);
  let bench: GpuBench | undefined;
  try {
    const heldBytes = own.overheadBytes();
    const { moduleBytes } = own.memory();
    const both = (examination.library ?? gpuKind.gpus.library()) === '' ? own : open(false);
    let timed = own;
    if (both.gpu.library !== '') {
      report(`\nwith ${both.gpu.library} where it is faster`);
      examinations.push(await look(both, reference, { ...examined, tf32, of: both.gpu.library }, report));
      // The driver's context and most kernels came with the first: the process holds both.
      const memory = () => ({ ...both.memory(), moduleBytes: moduleBytes + both.memory().moduleBytes });
      timed = { ...both, memory, overheadBytes: () => heldBytes + both.overheadBytes() };
    }
    report('');
    bench = await measureGpu(timed, { tf32, rounds, ...(steps ? { steps } : {}) }, report);
    claims.push(...claimsOfBench(bench));
  } catch (error) {
    // Behind a kernel that failed, a GPU may answer nothing: what was found is told all the same.
    claims.push({ claim: 'the GPU recovers', ok: false, detail: messageOf(error) });
  }
  claims.unshift(...examinations.flatMap((e) => e.claims));
  const ok = claims.every((c) => c.ok);
  if (json) {
    const found = { gpu: own.gpu, reference: reference.description, tf32, ok, claims, examinations, bench };
    console.log(JSON.stringify(found));
  } else {
    console.log(verdicts(claims));
    console.log(
      ok ? '\nall checks passed' : `\n${claims.filter((c) => !c.ok).length} of ${claims.length} checks FAILED`,
    );
  }
  return ok;
}

function headline({ description, gpu }: GpuDevice): string {
  const driver = gpu.overheadBytes >= 0 ? `, the driver holds ${formatBytes(gpu.overheadBytes)} for this process` : '';
  return `${description} (sm_${gpu.computeCapability.replace('.', '')}, ${gpu.driver}): ${formatBytes(gpu.memoryBytes)}, ${formatBytes(gpu.freeBytes)} free${driver}`;
}

async function look(
  device: Device,
  reference: Device,
  options: ExaminationOptions,
  report: (text: string) => void,
): Promise<Examination> {
  const examination = await examineDevice(device, reference, options, report);
  const rows = examination.ops.map(({ kind, precision, result, calls, difference, limit, ok }) => [
    ...[kind, precision, result, calls],
    difference.toExponential(1),
    limit.toExponential(1),
    ok ? '✓' : 'WRONG',
  ]);
  report(table(['op', 'precision', 'result', 'calls', 'largest difference', 'allowed', ''], rows));
  return examination;
}

const verdicts = (claims: readonly Claim[]): string =>
  table(
    ['', 'claim', 'found'],
    claims.map(({ claim, ok, detail }) => [ok ? '✓' : 'WRONG', claim, detail]),
  );
