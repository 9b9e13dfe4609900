import type { Device, DeviceMemoryUse } from './device.ts';
import type { DeviceMemory } from './kind.ts';

/**
 * What plans leave of a GPU's memory for what comes with programs: kernels, some megabytes of them, the library's too, and
 * CUDA graphs, of up to 7000 calls of kernels at some kilobytes each.
 */
export const moduleReserve = 192 * 2 ** 20;

/** What is known of a GPU. Bytes that can't be found out are -1. */
export interface GpuDescription {
  readonly name: string;
  /** Such as `8.6`. */
  readonly computeCapability: string;
  /** How many blocks are worked on at once, at least. */
  readonly processors: number;
  readonly boostHertz: number;
  readonly memoryBytes: number;
  /** What was free before any arena. */
  readonly freeBytes: number;
  /** What this process held before any arena: the driver's context, and the library's scratch memory. */
  readonly overheadBytes: number;
  readonly driver: string;
  /** Of matrix products, with its version; empty where there is none. */
  readonly library: string;
}

/** Who multiplies matrices of one shape, and how long it took both, for nothing where one can't. */
export interface ProductChoice {
  /** Types, shape and what follows: `f16>f32 tn 1024x3072x4096 ld 1024x3072x3072 accumulate`. */
  readonly product: string;
  /** The library's own name of its kernel; empty: own kernels are faster. */
  readonly algorithm: string;
  readonly ownSeconds: number;
  readonly librarySeconds: number;
}

/** A GPU that is open. */
export interface GpuDevice extends Device {
  readonly gpu: GpuDescription;
  memory(): DeviceMemoryUse;
  /** Who multiplies what, of all programs so far. */
  products(): ProductChoice[];
}

/** A GPU of this machine: what it is, or why it can't be used. */
export interface FoundGpu {
  /** As their driver counts them. */
  readonly ordinal: number;
  readonly gpu?: GpuDescription;
  readonly problem?: string;
}

export interface FoundGpus {
  readonly gpus: readonly FoundGpu[];
  /** Why there is none, where there is none. */
  readonly problem?: string;
}

/** What a kind of GPUs offers besides. */
export interface GpuKind {
  /** Those of this machine, as they were a second ago at most. Takes nothing of their memory. */
  find(): FoundGpus;
  /** What is known of one without using it. @throws UserError, Error where there is none */
  look(ordinal: number): GpuDescription;
  /**
   * The memory that plans may take.
   * @param reservedBytes what no plan gets: of the driver's, and for recordings
   * @param heldBy names of the runs that train on it, as far as they are known
   */
  memory(
    ordinal: number,
    gpu: Pick<GpuDescription, 'memoryBytes' | 'freeBytes'>,
    reservedBytes: number,
    heldBy?: readonly string[],
  ): Required<DeviceMemory>;
  /** What gives memory back, or takes another GPU's that has `neededBytes` free. @param heldBy see `memory` */
  relief(ordinal: number, neededBytes: number, heldBy: readonly string[]): string;
  /** Opens one to be measured. @param ownKernels whether no library multiplies matrices. @throws UserError, Error */
  open(options: { readonly ordinal: number; readonly tf32: boolean; readonly ownKernels?: boolean }): GpuDevice;
  /** The library of matrix products that a GPU would use, with its version; empty: none. @throws UserError */
  library(): string;
}
