import { spawnSync } from 'node:child_process';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { countGpus, findLibrary, lookAtGpu } from '../engine/devices/cuda/device.ts';
import { createTfjsDevice } from '../engine/devices/tfjs/device.ts';
import { messageOf } from '../errors.ts';
import { formatBytes } from '../format.ts';

/** Something that could train, and what it is, or why it can't. */
export interface FoundDevice {
  readonly kind: string;
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

async function look(kind: string, describe: () => string | Promise<string>): Promise<FoundDevice> {
  try {
    return { kind, available: true, description: await describe() };
  } catch (error) {
    return { kind, available: false, description: messageOf(error) };
  }
}

/** One of each GPU, or one that says why there is none. */
async function gpus(): Promise<FoundDevice[]> {
  const count = await look('cuda', () => String(countGpus()));
  if (!count.available) return [{ ...count, description: withSeen(count.description) }];
  if (count.description === '0') {
    return [
      { ...count, available: false, description: withSeen('no NVIDIA driver that it can use; training uses the CPU') },
    ];
  }
  return Promise.all(
    Array.from({ length: Number(count.description) }, (_, gpu) => look('cuda', () => describeGpu(gpu))),
  );
}

function describeGpu(ordinal: number): string {
  const { name, computeCapability, memoryBytes, freeBytes, driver } = lookAtGpu(ordinal);
  const library = findLibrary();
  return (
    `GPU ${ordinal}: ${name} (sm_${computeCapability.replace('.', '')}, ${driver}), ${formatBytes(memoryBytes)}, ${formatBytes(freeBytes)} of it free; ` +
    (library === '' ? 'own kernels multiply matrices' : `${library} multiplies matrices where it is faster`)
  );
}

/** With the GPUs that NVIDIA's own tool names, which are there and can't be used. */
function withSeen(reason: string): string {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  if (status !== 0 || !stdout.trim()) return reason;
  return `${reason} (nvidia-smi sees ${stdout.trim().split('\n').join('; ')})`;
}
