import type { Plan, PlanSizes } from '../program/planner.ts';
import type { Buffer, Call, Program } from '../program/types.ts';
import { verify } from '../program/verify.ts';

export type HostArray = Float32Array | Int32Array | Uint16Array | Uint8Array;

/** Of a device's memory, now. */
export interface DeviceMemoryUse {
  /** That nobody holds. */
  readonly freeBytes: number;
  /** Of plans that are loaded or reserved. */
  readonly arenaBytes: number;
  /** Held for what comes with programs that are loaded later: kernels and recordings. */
  readonly moduleReserveBytes: number;
  /** What came with programs that are loaded. */
  readonly moduleBytes: number;
  /** What should be held for later ones, and is not: not yet, or others have taken it. */
  readonly lackingBytes: number;
  /** All that this process holds, by the driver's own count, where it tells. */
  readonly processBytes?: number;
  /** How often memory was allocated, the host's too: a training step does not. */
  readonly allocations: number;
}

/** What a device tells of itself, now. What it does not tell is absent. */
export interface DeviceFigures {
  /** 0 to 1: the share of the last moments in which it was busy. */
  readonly utilization?: number;
  /** Degrees Celsius. */
  readonly temperature?: number;
  /** Watts. */
  readonly power?: number;
  /** Of its memory, what is in use, by whomever. */
  readonly memoryBytes?: number;
}

/** What was found out once and decides the last bits of results, beside programs and their inputs. */
export interface DeviceChoices {
  /** The kind of device; absent in checkpoints of earlier versions, where one kind alone had choices. */
  readonly kind?: string | undefined;
  /** The device, and whatever else they belong to. */
  readonly of: string;
  readonly choices: unknown;
}

/** Something that runs programs. */
export interface Device {
  /** What configs, flags and checkpoints call its kind. */
  readonly kind: string;
  /** For people: `cpu: AVX-512, 2 threads`. */
  readonly description: string;
  /** What is held beside arenas, in bytes: scratch memory of threads; a driver's context, its kernels and recordings. */
  overheadBytes(): number;
  /** Of its memory, where that is not the host's. */
  memory?(): DeviceMemoryUse;
  /** What it tells of itself, where it is not the machine's processor; does not hold up what it computes. */
  figures?(): Promise<DeviceFigures>;
  /** Takes now what the largest of some plans needs, so that each can be loaded later, whatever others have taken by then. */
  reserve?(plans: readonly PlanSizes[]): void;
  /** Whether all that some plans need has been reserved. */
  holds?(plans: readonly PlanSizes[]): boolean;
  /** Its choices so far, to be kept with a run; none where there is nothing to choose. */
  choices?(): DeviceChoices | undefined;
  /**
   * Abides by choices that were kept, where they are of its kind.
   * @returns false where they are of its kind and another's: another GPU's, or another library's
   */
  remember?(kept: DeviceChoices): boolean;
  /** Why the device can't run a call, or undefined when it can. */
  supports(call: Call): string | undefined;
  /** Allocates the plan's arenas, zeroed: the only memory that the programs will ever use. */
  load(programs: readonly Program[], plan: Plan): Promise<Session>;
}

/** Programs loaded on a device with their memory. One program runs at a time. */
export interface Session {
  /** Whether `write` and `run` may be called while a program runs: what they do takes its turn behind it. */
  readonly queues: boolean;
  /** Copies host data into a buffer. Not while a program runs, unless the session queues. */
  write(buffer: Buffer, data: HostArray): void;
  /** Copies a buffer to the host, into `target` when given. Not while a program runs. */
  read(buffer: Buffer, target?: HostArray): HostArray;
  /**
   * Copies small buffers to the host, behind all that was started. Not while a program runs, unless the session queues: then
   * others may be started before it settles, and change the buffers.
   */
  fetch(buffers: readonly Buffer[]): Promise<HostArray[]>;
  /**
   * Runs every call of a program; settles when the last has ended.
   * @param times where the seconds of each call are added, by devices that measure them
   */
  run(program: Program, times?: Float64Array): Promise<void>;
  /** Bytes that are really held for the arenas, in the device's memory and the host's. */
  allocatedBytes(): number;
  /** Gives the memory back. Not while a program runs. */
  close(): void;
}

/** A zeroed host array of a buffer's type and size. */
export function hostArray(buffer: Buffer): HostArray {
  const n = buffer.shape.reduce((a, b) => a * b, 1);
  switch (buffer.dtype) {
    case 'f32':
      return new Float32Array(n);
    case 'i32':
      return new Int32Array(n);
    case 'u8':
      return new Uint8Array(n);
    default:
      return new Uint16Array(n);
  }
}

/** Nothing in a program changes: what was verified stays so. */
const verified = new WeakSet<Program>();

/**
 * Verifies programs and asks the device about every call before anything is allocated.
 * @throws Error that names the first op that the device can't run, and why.
 */
export function checkPrograms(device: Device, programs: readonly Program[]): void {
  for (const program of programs) {
    if (!verified.has(program)) verify(program);
    verified.add(program);
    for (const call of program.calls) {
      const reason = device.supports(call);
      if (reason) throw new Error(`${device.kind} can't run ${call.kind} in ${call.scope || program.name}: ${reason}`);
    }
  }
}
