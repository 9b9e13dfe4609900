import type { z } from 'zod';
import type { KnownSpeed } from '../fit/speed.ts';
import type { Call, Precision } from '../program/types.ts';
import type { Device, DeviceFigures } from './device.ts';
import type { GpuKind } from './gpu.ts';

/**
 * One of the devices that are told apart by a number.
 * @property gpu which, as their driver counts them; absent: the first, or there is but one
 */
export interface Numbered {
  readonly gpu?: number | undefined;
}

/** A flag that gives one of a kind's settings. */
export interface DeviceFlag {
  /** As commander reads it: `--threads <n>`. */
  readonly flags: string;
  /** Which setting of `device` it gives. */
  readonly setting: string;
  readonly type: 'int' | 'flag';
  /** Over its field; absent: the choice of a device gives it. */
  readonly label?: string;
  /** Of a number: the least. Default: 0. */
  readonly min?: number;
  readonly help: string;
  /** Its help where its kind is named already. */
  readonly briefHelp: string;
  /** Whether giving it means this kind of device, where no kind is named. */
  readonly meansKind?: boolean;
  /** The only precision that it makes a difference to; absent: all. */
  readonly precision?: Precision;
}

/** Something that could train, and what it is, or why it can't. */
export interface FoundDevice {
  readonly kind: string;
  /** Of GPUs: which, as CUDA counts them; absent where none can be counted. */
  readonly gpu?: number;
  readonly description: string;
  readonly available: boolean;
}

/** A device that a run may be told to train on. */
export interface OfferedDevice extends Numbered {
  /** Of a GPU: its own; absent: the machine's processor. */
  readonly name?: string;
  /** Absent: the machine's. */
  readonly memoryBytes?: number;
}

/** The memory that plans may take. */
export interface DeviceMemory {
  /** For arenas in the device's memory. */
  readonly bytes: number;
  /** For those that are paged; absent where the host's memory is the device's own. */
  readonly hostBytes?: number;
  /** Where other programs may hold some of it. */
  readonly shared?: {
    /** For arenas, did nobody else hold any. */
    readonly bytes: number;
    /** What gives so many bytes back. */
    relief(neededBytes: number): string;
  };
}

/** What can be done where a device can't do what it is asked for: the end of a sentence. */
export interface DeviceAdvice {
  /** Where it can't run an op; absent: nothing can. */
  readonly elsewhere?: string;
  /** Where a plan is larger than its memory, did nobody else hold any. */
  readonly larger: string;
  /** Where memory ran out as programs were loaded. */
  full(error: unknown): string;
}

export interface OpenedDevice {
  readonly device: Device;
  /** What plans may take. */
  readonly memory: DeviceMemory;
  readonly advice: DeviceAdvice;
  /**
   * Peak in FLOP/s for matrix products, measured or from a data sheet; NaN when it is not known. The first time on a machine
   * it may take seconds, in which nothing should train.
   */
  peakFlops(): number;
  /** What a GPU's driver took for this process before anything was loaded, where that can be measured. */
  readonly contextBytes?: number;
}

/** What a device is opened with, beside its settings. */
export interface Opening {
  /** Whose peak is wanted. */
  readonly precision: Precision;
  /** Folder where devices keep what they found out about this machine; undefined: nowhere. */
  readonly findings: string | undefined;
  /** Names of the runs that train on the same device, as far as they are known. */
  readonly heldBy: readonly string[];
}

/** What is known of who uses a device's memory. */
export interface MemoryUsers {
  /** What its driver and recordings take, in bytes, by the device's name. */
  driverBytes(name: string): number;
  /** See `Opening`. */
  readonly heldBy: readonly string[];
}

/** A device whose peak can be measured: the machine's processor. */
export interface ProcessorDevice extends Device {
  readonly threads: number;
  /** Measures the floating-point peak with independent multiply-adds, in FLOP/s. Takes about a second. */
  fmaPeak(): { oneCore: number; allThreads: number };
}

/** All that is known of one kind of device before one is open. What is not its own business it does not know. */
export interface DeviceKind<Kind extends string = string, Shape extends z.ZodRawShape = z.ZodRawShape> {
  /** What configs, flags and checkpoints call it. */
  readonly kind: Kind;
  /** In a sentence: `a GPU`. */
  readonly noun: string;
  /** In a list: `NVIDIA GPU`. */
  readonly label: string;
  /** Where there is little room; GPUs are named by their number: `GPU`. */
  readonly shortLabel: string;
  /** Its own settings, in a config's `device`. Names are unique: a run that moves to another kind keeps them. */
  readonly settings: Shape;
  readonly flags: readonly DeviceFlag[];
  /** Whether it can be used here. Takes no time. */
  isThere(which: Numbered): boolean;
  /** @throws UserError that says why it can't be used, and what to do */
  require(which: Numbered): void;
  /** Which one is taken where nobody says; undefined: none, another kind is. Absent: never this kind. */
  preferred?(): Numbered | undefined;
  /** Of each that is in the machine and can't be used, why. */
  unusable?(): Promise<string[]>;
  /** Those that there may be, looked at for people. @param findings see `Opening` */
  find(findings: string | undefined): Promise<FoundDevice[]>;
  /** What is worth measuring once on a machine and is not kept yet. It may take seconds. @param findings see `Opening` */
  unmeasured?(findings: string): (() => void) | undefined;
  /** Those that a run may be told to train on. Takes no time. */
  offered(): OfferedDevice[];
  /** Why no device of the kind can run a call, or undefined when it can; no device is needed to ask. */
  supports(call: Call): string | undefined;
  /** The memory of a device that is not open, as it is now. @throws UserError where `require` does */
  memory(which: Numbered, users: MemoryUsers): DeviceMemory;
  /** @throws UserError when it can't be used here */
  open(settings: z.infer<z.ZodObject<Shape>>, opening: Opening): Promise<OpenedDevice>;
  /** How fast one is that is not open; undefined where it is not here, or was not measured. Takes no time. */
  speed?(settings: z.infer<z.ZodObject<Shape>>, findings: string): KnownSpeed | undefined;
  /** Of recipes that leave it open: what trains fastest on it without a scale of the loss. Absent: float32. */
  readonly recipePrecision?: Precision;
  /** Of kinds with memory of their own and a data sheet. */
  readonly gpus?: GpuKind;
  /**
   * Of the kind that is the machine's processor: reads what the machine tells of itself, whatever trains on it. What needs two
   * looks (a share of a time, a power) is there from the first answer on: the first look is this. An answer holds up nothing.
   */
  machineFigures?(): () => Promise<DeviceFigures>;
  /** Of the kind that others are compared with and that benches measure; all settings have defaults. */
  openProcessor?(settings: z.infer<z.ZodObject<Shape>>): ProcessorDevice;
}

/** Lets a kind's name and settings be known to the compiler. */
export const deviceKind = <const Kind extends string, Shape extends z.ZodRawShape>(
  kind: DeviceKind<Kind, Shape>,
): DeviceKind<Kind, Shape> => kind;
