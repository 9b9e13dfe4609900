import { spawnSync } from 'node:child_process';
import { createCpuDevice } from '../engine/devices/cpu/device.ts';
import { createTfjsDevice } from '../engine/devices/tfjs/device.ts';
import { messageOf } from '../errors.ts';

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
    { kind: 'cuda', available: false, description: nvidia() },
  ];
}

async function look(kind: string, describe: () => string | Promise<string>): Promise<FoundDevice> {
  try {
    return { kind, available: true, description: await describe() };
  } catch (error) {
    return { kind, available: false, description: messageOf(error) };
  }
}

/** Why no GPU is used. */
function nvidia(): string {
  const query = ['--query-gpu=name,memory.total,driver_version', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  if (status !== 0 || !stdout.trim()) return 'no NVIDIA driver found; training uses the CPU';
  return `${stdout.trim().split('\n').join('; ')} (seen, not used: this version trains on the CPU)`;
}
