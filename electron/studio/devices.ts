import os from 'node:os';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { findLibrary, libraryOfUser } from '../engine/devices/cuda/device.ts';
import { findGpus, type FoundGpu, seenByDriver } from '../engine/devices/cuda/found.ts';
import { tfjsIsThere } from '../engine/devices/tfjs/backend.ts';
import { createTfjsDevice } from '../engine/devices/tfjs/device.ts';
import { type DeviceChoice, isSameDevice, usualDevice } from '../engine/devices/usual.ts';
import { messageOf } from '../errors.ts';
import { formatBytes } from '../format.ts';

/** Something that could train, and what it is, or why it can't. */
export interface FoundDevice {
  readonly kind: string;
  /** Of GPUs: which, as CUDA counts them; absent where none can be counted. */
  readonly gpu?: number;
  readonly description: string;
  readonly available: boolean;
}

/** Looks at every device that there may be. Takes a second or so: the peak is measured. */
export async function findDevices(): Promise<FoundDevice[]> {
  return [
    await look('cpu', () => {
      const device = createCpuDevice();
      const { allThreads } = device.fmaPeak();
      return `${device.description}, multiply-add peak ${(allThreads / 1e9).toFixed(0)} GFLOP/s`;
    }),
    await look('tfjs', async () => (await createTfjsDevice()).description),
    ...(await gpus()),
  ];
}

/** What a run may be told to train on. */
export interface TrainingDevice extends DeviceChoice {
  /** Of a GPU: its own; else the machine's processor. */
  readonly name: string;
  readonly memoryBytes: number;
}

/** What can train here, the usual first. Asks only what is known at once. */
export function trainingDevices(): TrainingDevice[] {
  const name = os.cpus()[0]?.model.trim() ?? '';
  const memoryBytes = os.totalmem();
  const usual = usualDevice();
  const found: TrainingDevice[] = [
    ...findGpus().gpus.flatMap(({ ordinal, gpu }): TrainingDevice[] =>
      gpu ? [{ kind: 'cuda', gpu: ordinal, name: gpu.name, memoryBytes: gpu.memoryBytes }] : [],
    ),
    { kind: 'cpu', name, memoryBytes },
    ...(tfjsIsThere() ? [{ kind: 'tfjs' as const, name, memoryBytes }] : []),
  ];
  return found.toSorted((a, b) => Number(isSameDevice(b, usual)) - Number(isSameDevice(a, usual)));
}

async function look(kind: string, describe: () => string | Promise<string>): Promise<FoundDevice> {
  try {
    return { kind, available: true, description: await describe() };
  } catch (error) {
    return { kind, available: false, description: messageOf(error) };
  }
}

/** One of each GPU, or one that says why there is none. */
async function gpus(): Promise<FoundDevice[]> {
  const { gpus: found, problem } = findGpus();
  if (problem === undefined) return found.map(describeGpu);
  // Those are there and can't be used.
  const seen = await seenByDriver();
  const description = problem + (seen === '' ? '' : ` (nvidia-smi sees ${seen})`);
  return [{ kind: 'cuda', available: false, description }];
}

function describeGpu({ ordinal, gpu, problem }: FoundGpu): FoundDevice {
  if (!gpu) return { kind: 'cuda', gpu: ordinal, available: false, description: problem! };
  const { name, computeCapability, memoryBytes, freeBytes, driver } = gpu;
  const description =
    `GPU ${ordinal}: ${name} (sm_${computeCapability.replace('.', '')}, ${driver}), ${formatBytes(memoryBytes)}, ${formatBytes(freeBytes)} of it free; ` +
    multiplier();
  return { kind: 'cuda', gpu: ordinal, available: true, description };
}

/** Who multiplies matrices on this machine's GPUs, and why it is not the library that its user names. */
function multiplier(): string {
  const library = findLibrary();
  if (library !== '') return `${library} multiplies matrices where it is faster`;
  const own = 'own kernels multiply matrices';
  const named = libraryOfUser();
  return typeof named === 'string' ? `${own}: ${named}, which TRAINYARD_CUBLASLT names, can't be loaded` : own;
}
