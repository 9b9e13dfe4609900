import os from 'node:os';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { findLibrary } from '../engine/devices/cuda/device.ts';
import { findGpus, type FoundGpu, seenByDriver } from '../engine/devices/cuda/found.ts';
import { tfjsIsThere } from '../engine/devices/tfjs/backend.ts';
import { createTfjsDevice } from '../engine/devices/tfjs/device.ts';
import type { DeviceChoice } from '../engine/devices/usual.ts';
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
    ...gpus(),
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
  return [
    ...findGpus().gpus.flatMap(({ ordinal, gpu }): TrainingDevice[] =>
      gpu ? [{ kind: 'cuda', gpu: ordinal, name: gpu.name, memoryBytes: gpu.memoryBytes }] : [],
    ),
    { kind: 'cpu', name, memoryBytes },
    ...(tfjsIsThere() ? [{ kind: 'tfjs' as const, name, memoryBytes }] : []),
  ];
}

async function look(kind: string, describe: () => string | Promise<string>): Promise<FoundDevice> {
  try {
    return { kind, available: true, description: await describe() };
  } catch (error) {
    return { kind, available: false, description: messageOf(error) };
  }
}

/** One of each GPU, or one that says why there is none. */
function gpus(): FoundDevice[] {
  const { gpus: found, problem } = findGpus();
  if (problem === undefined) return found.map(describeGpu);
  // Those are there and can't be used.
  const seen = seenByDriver();
  const description = problem + (seen === '' ? '' : ` (nvidia-smi sees ${seen})`);
  return [{ kind: 'cuda', available: false, description }];
}

function describeGpu({ ordinal, gpu, problem }: FoundGpu): FoundDevice {
  if (!gpu) return { kind: 'cuda', gpu: ordinal, available: false, description: problem! };
  const { name, computeCapability, memoryBytes, freeBytes, driver } = gpu;
  const library = findLibrary();
  const description =
    `GPU ${ordinal}: ${name} (sm_${computeCapability.replace('.', '')}, ${driver}), ${formatBytes(memoryBytes)}, ${formatBytes(freeBytes)} of it free; ` +
    (library === '' ? 'own kernels multiply matrices' : `${library} multiplies matrices where it is faster`);
  return { kind: 'cuda', gpu: ordinal, available: true, description };
}
