import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UserError } from '../../../errors.ts';
import { fromSources, packageFile } from '../../../paths.ts';
import type { DeviceMemoryUse } from '../device.ts';
import type { Fetch, NativeSession, SessionAddon } from '../native/session.ts';

declare const handle: unique symbol;
export interface NativeGpu {
  readonly [handle]: 'gpu';
}

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

export interface GpuOptions {
  readonly ordinal: number;
  readonly tf32: boolean;
  readonly order?: string | undefined;
  /** Of an emulated GPU. */
  readonly memoryBytes?: number | undefined;
  /** Path of NVIDIA's library of matrix products; null: none is used; absent: where it is usually found. */
  readonly library?: string | null | undefined;
}

/** What native/binding/gpuAddon.cpp exports. */
export interface GpuAddon extends SessionAddon {
  /** How many GPUs there are; 0 without a driver. */
  countDevices(): number;
  /** What is known of a GPU without using it, which would take of its memory. */
  lookAtDevice(ordinal: number): GpuDescription;
  createDevice(options: GpuOptions): NativeGpu;
  describeDevice(device: NativeGpu): GpuDescription;
  /** What has been found out by trying, and what was remembered. */
  productChoices(device: NativeGpu): ProductChoice[];
  rememberProducts(device: NativeGpu, choices: readonly ProductChoice[]): void;
  /** Of the library that a device would use; empty where there is none. */
  libraryVersion(library: string | undefined): string;
  /** Bytes; of this process, -1 where the driver does not tell. */
  memory(device: NativeGpu): Omit<DeviceMemoryUse, 'broughtBytes' | 'lackingBytes'> & { readonly processBytes: number };
  /** Holds memory for sessions, of the device and of the host, until the device is given up. */
  reserve(device: NativeGpu, bytes: number, hostBytes: number): void;
  /** Holds so much for what comes with programs, in place of what was set aside before. @returns whether it was there */
  setAside(device: NativeGpu, bytes: number): boolean;
  /** Of the emulated GPU: what it finds wrong with a kernel of its own. */
  selfTest(device: NativeGpu, kernel: string): string;
  /** Of the emulated GPU: names of the kernels since this was last asked, the latest thousand. */
  launched(device: NativeGpu): string[];
  createSession(device: NativeGpu, arenaBytes: Float64Array, hostArena: number): NativeSession;
  /** At most 4096 bytes at a time, and 8 times at once. */
  readonly fetch: Fetch;
}

/**
 * Where the build puts the addon with CUDA kernels. A test may have another one take its place: only where sources run,
 * since what is installed loads no code that its surroundings name.
 */
export function cudaAddonPath(isFromSources = fromSources): string {
  const named = isFromSources ? process.env.TRAINYARD_CUDA_ADDON : undefined;
  return named ? path.resolve(named) : packageFile('native/build/trainyard_cuda.node');
}
/** Where it puts the one that plays a GPU on the host. */
export const emulatedAddonPath = packageFile('native/build/tests/trainyard_emulated.node');
/** The one that plays a GPU by interpreting the PTX that nvcc makes of the kernels. */
export const interpretedAddonPath = packageFile('native/build/tests/trainyard_ptx.node');

/** The one that plays NVIDIA's library of matrix products. */
export const standInLibraryPath = packageFile('native/build/tests/trainyard_blasLt.node');

/** Why there is no GPU engine, and what can be done about it. */
export function missingEngine(platform: NodeJS.Platform, isFromSources: boolean): string {
  if (platform === 'darwin') return 'CUDA GPUs are not supported on macOS: train on the processor.';
  if (!isFromSources) return 'This build of Trainyard has no GPU engine: train on the processor.';
  return 'The GPU engine is not built: install the CUDA toolkit (its nvcc of CUDA 12 or newer), run `npm run build:cuda` and try again.';
}

const missing = (file: string): string =>
  fromSources && process.env.TRAINYARD_CUDA_ADDON && file === cudaAddonPath()
    ? `TRAINYARD_CUDA_ADDON names ${file}, which is not there: correct it, or leave it out.`
    : missingEngine(process.platform, fromSources);

/** Loads an addon. @throws UserError when it is missing or can't be loaded */
export function loadGpuAddon(file: string): GpuAddon {
  if (!fs.existsSync(file)) throw new UserError(missing(file));
  try {
    return createRequire(import.meta.url)(file) as GpuAddon;
  } catch (error) {
    const remedy = fromSources ? 'run `npm run build:cuda` on this machine' : 'install Trainyard anew';
    throw new UserError(`The GPU engine can't be loaded (${(error as Error).message.split('\n')[0]}): ${remedy}.`);
  }
}
