import os from 'node:os';
import { arenaNames, type Plan } from '../../program/planner.ts';
import { type Buffer, byteLength, type Call, type Program } from '../../program/types.ts';
import { checkPrograms, type Device, type HostArray, hostArray, type Session } from '../device.ts';
import { type Addon, loadAddon, type NativeDevice, type NativeSession } from './addon.ts';
import { encode } from './encode.ts';

export interface CpuDeviceOptions {
  /** Default: the cores of the machine. */
  readonly threads?: number;
  /** `avx512bf16`, `avx512`, `avx2` or `portable`; default: TRAINYARD_ISA, else the best that the processor has. */
  readonly isa?: string;
}

export interface CpuDevice extends Device {
  readonly isa: string;
  readonly threads: number;
  /** Scratch memory of the threads, held beside the arenas while the device lives. */
  readonly scratchBytes: number;
  /** Measures the floating-point peak with independent multiply-adds, in FLOP/s. Takes about a second. */
  fmaPeak(): { oneCore: number; allThreads: number };
  load(programs: readonly Program[], plan: Plan): Promise<CpuSession>;
}

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
  const device: CpuDevice = {
    kind: 'cpu',
    description: `cpu: ${isaNames[isa] ?? isa}, ${threads} thread${threads === 1 ? '' : 's'}`,
    isa,
    threads,
    scratchBytes,
    supports,
    fmaPeak: () => addon.fmaPeak(native),
    async load(programs, plan) {
      checkPrograms(device, programs);
      return new CpuSession(addon, native, programs, plan);
    },
  };
  return device;
}

/** Native allocations so far and bytes alive: a training step must change neither. */
export const nativeMemory = (): { allocations: number; liveBytes: number } => loadAddon().memory();

function supports(call: Call): string | undefined {
  if ((call.dims.headDim ?? 0) > 256) return `heads are ${call.dims.headDim} wide, and 256 is the most`;
  if (call.kind === 'linearBackwardInput' && call.args.pre && call.accumulate.has('dx')) {
    return 'a gradient that passes GELU is written, not added';
  }
  return undefined;
}

export class CpuSession implements Session {
  readonly #addon: Addon;
  readonly #native: NativeSession;
  readonly #plan: Plan;
  readonly #programs: ReadonlyMap<Program, number>;
  #running = false;
  #closed = false;

  constructor(addon: Addon, device: NativeDevice, programs: readonly Program[], plan: Plan) {
    this.#addon = addon;
    this.#plan = plan;
    this.#native = addon.createSession(
      device,
      Float64Array.from(arenaNames, (n) => plan.arenaBytes[n]),
    );
    this.#programs = new Map(programs.map((p) => [p, addon.loadProgram(this.#native, encode(p, plan))]));
  }

  write(buffer: Buffer, data: HostArray): void {
    this.#copy(buffer, data, true);
  }

  read(buffer: Buffer, target: HostArray = hostArray(buffer)): HostArray {
    this.#copy(buffer, target, false);
    return target;
  }

  #requireIdle(): void {
    if (this.#closed) throw new Error('the session is closed');
    if (this.#running) throw new Error('a program is running');
  }

  #copy(buffer: Buffer, array: HostArray, toDevice: boolean): void {
    this.#requireIdle();
    const place = this.#plan.placements.get(buffer);
    if (!place) throw new Error(`${buffer.name} has no place in the plan`);
    if (array.byteLength !== byteLength(buffer)) {
      throw new Error(`${buffer.name} holds ${byteLength(buffer)} bytes, not ${array.byteLength}`);
    }
    this.#addon.copy(this.#native, arenaNames.indexOf(place.arena), place.offset, array, toDevice);
  }

  async run(program: Program, times?: Float64Array): Promise<void> {
    this.#requireIdle();
    const index = this.#programs.get(program);
    if (index === undefined) throw new Error(`program ${program.name} is not loaded`);
    this.#running = true;
    try {
      await this.#addon.run(this.#native, index, times);
    } finally {
      this.#running = false;
    }
  }

  allocatedBytes(): number {
    return this.#addon.sessionBytes(this.#native);
  }

  close(): void {
    if (this.#running) throw new Error('a program is running');
    this.#closed = true;
    this.#addon.closeSession(this.#native);
  }
}
