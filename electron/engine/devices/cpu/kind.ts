import os from 'node:os';
import { z } from 'zod';
import { deviceKind } from '../kind.ts';
import { describedAs } from '../described.ts';
import { type CpuDevice, cpuSupports, createCpuDevice } from './device.ts';
import { machineFigures } from './figures.ts';
import { processorMemory } from './memory.ts';
import type { Slowdown } from '../../fit/speed.ts';
import { keptPeak, keyOf, peakOf } from './peak.ts';

const settings = {
  /** Default: the cores of the machine. The bits of a run do not depend on it. */
  threads: z.int().min(1).max(1024).optional(),
};

const open = ({ threads }: { readonly threads?: number | undefined }): CpuDevice =>
  createCpuDevice(threads === undefined ? {} : { threads });

/** What can be done where the machine's own memory is too small. */
export const machineAdvice = {
  larger: 'it takes a machine with more memory',
  full: () => 'end other programs of this machine',
};

/** What the memory of a desktop's processor gives at least, 10⁹ bytes a second: two channels of DDR4. */
const memoryGBs = 20;

/** Steps of models from 0.8 to 124 million parameters took 1.9 to 3.3 times their floor: see docs/guide/memory.md. */
const slowdown: Slowdown = { low: 1.6, likely: 2.5, high: 4 };

/** What it takes to have all threads start on a call. */
const callSeconds = 1e-5;

/** The machine's processor: own kernels in an addon that `npm ci` compiles. */
export const cpu = deviceKind({
  kind: 'cpu',
  noun: 'the CPU',
  label: 'CPU',
  shortLabel: 'CPU',
  settings,
  flags: [
    {
      flags: '--threads <n>',
      setting: 'threads',
      label: 'Threads (blank: all cores)',
      type: 'int',
      min: 1,
      help: 'threads of the cpu device (all cores)',
      briefHelp: 'threads (all cores)',
    },
  ],
  isThere: () => true,
  require() {},
  find: async (findings) => [
    await describedAs('cpu', () => {
      const device = createCpuDevice();
      const peak = findings === undefined ? device.fmaPeak().allThreads : keptPeak(device, findings);
      return peak === undefined
        ? device.description
        : `${device.description}, multiply-add peak ${(peak / 1e9).toFixed(0)} GFLOP/s`;
    }),
  ],
  unmeasured(findings) {
    let device: CpuDevice;
    try {
      device = createCpuDevice();
    } catch {
      return undefined; // whoever asks for it is told why it isn't there
    }
    return keptPeak(device, findings) === undefined ? () => void peakOf(device, findings) : undefined;
  },
  offered: () => [{}],
  supports: cpuSupports,
  speed({ threads }, findings) {
    let device: CpuDevice;
    try {
      device = open({ threads });
    } catch {
      return undefined; // whoever asks for it is told why it isn't there
    }
    const peak = keptPeak(device, findings);
    const teraflops = (peak ?? 0) / 1e12;
    const rates = { f32Tflops: teraflops, f16Tflops: teraflops, bandwidthGBs: memoryGBs };
    const name = os.cpus()[0]?.model.trim() || 'processor';
    return { key: keyOf(device), name, ...(peak === undefined ? {} : { rates }), slowdown, callSeconds };
  },
  memory: () => processorMemory(),
  async open(config, { findings }) {
    const device = open(config);
    return { device, memory: processorMemory(), advice: machineAdvice, peakFlops: () => peakOf(device, findings) };
  },
  machineFigures,
  openProcessor: open,
});
