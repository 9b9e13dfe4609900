import os from 'node:os';
import { opOf } from '../../program/declare.ts';
import type { Plan } from '../../program/planner.ts';
import type { Call, Program } from '../../program/types.ts';
import { checkPrograms } from '../device.ts';
import type { ProcessorDevice } from '../kind.ts';
import { arenaSizes, NativeProgramSession } from '../native/session.ts';
import { loadAddon } from './addon.ts';

export interface CpuDeviceOptions {
  /** Default: the cores of the machine. */
  readonly threads?: number;
  /** `avx512bf16`, `avx512`, `avx2` or `portable`; default: TRAINYARD_ISA, else the best that the processor has. */
  readonly isa?: string;
}

export interface CpuDevice extends ProcessorDevice {
  readonly isa: string;
  load(programs: readonly Program[], plan: Plan): Promise<NativeProgramSession>;
}

/** To be raised with each change of a kernel that changes the last bits of what it computes. */
const kernelsVersion = 1;

const isaNames: Record<string, string> = {
  avx512bf16: 'AVX-512 with BF16',
  avx512: 'AVX-512',
  avx2: 'AVX2',
  neon: 'NEON',
  portable: 'portable code',
};

/** The native CPU device. @throws UserError when the addon is missing, Error when the ISA named is not there */
export function createCpuDevice(options: CpuDeviceOptions = {}): CpuDevice {
  const addon = loadAddon();
  const native = addon.createDevice(options.threads ?? os.availableParallelism(), options.isa);
  const { isa, threads, scratchBytes } = addon.describeDevice(native);
  const numerics = `${isa}, kernels ${kernelsVersion}`;
  const device: CpuDevice = {
    kind: 'cpu',
    description: `cpu: ${isaNames[isa] ?? isa}, ${threads} thread${threads === 1 ? '' : 's'}`,
    isa,
    threads,
    overheadBytes: () => scratchBytes,
    supports: cpuSupports,
    choices: () => ({ kind: 'cpu', of: numerics, choices: null }),
    remember: (kept) => kept.kind !== 'cpu' || kept.of === numerics,
    fmaPeak: () => addon.fmaPeak(native),
    async load(programs, plan) {
      checkPrograms(device, programs);
      return new NativeProgramSession(addon, addon.createSession(native, arenaSizes(plan), -1), programs, plan);
    },
  };
  return device;
}

/** Native allocations so far and bytes alive: a training step must change neither. */
export const nativeMemory = (): { allocations: number; liveBytes: number } => loadAddon().memory();

/** Why the processor can't run a call, or undefined when it can; no device is needed to ask. */
export const cpuSupports = (call: Call): string | undefined => opOf(call.kind).limits?.processor?.(call);
