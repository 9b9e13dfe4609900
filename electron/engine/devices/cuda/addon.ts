import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { UserError } from '../../../base/errors.ts';
import { fromSources, packageFile } from '../../../base/paths.ts';
import type { DeviceFigures, DeviceMemoryUse } from '../device.ts';
import type { GpuDescription, ProductChoice } from '../gpu.ts';
import { withWords } from '../native/failures.ts';
import type { Fetch, SessionAddon } from '../native/session.ts';

declare const handle: unique symbol;
export interface NativeGpu {
  readonly [handle]: 'gpu';
}

export interface GpuOptions {
  readonly ordinal: number;
  readonly tf32: boolean;
  /** Path of NVIDIA's library of matrix products; null: none is used; absent: where it is usually found. */
  readonly library?: string | null | undefined;
}

/** What native/node/cuda.cpp exports. */
export interface GpuAddon extends SessionAddon<NativeGpu> {
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
  memory(device: NativeGpu): Omit<DeviceMemoryUse, 'moduleBytes' | 'lackingBytes'> & { readonly processBytes: number };
  /** What the driver tells of it, asked on another thread. */
  figures(device: NativeGpu): Promise<DeviceFigures>;
  /** Holds memory for sessions, of the device and of the host, until the device is given up. */
  reserve(device: NativeGpu, bytes: number, hostBytes: number): void;
  /** Holds so much for what comes with programs, in place of what was set aside before. @returns whether it was there */
  setModuleReserve(device: NativeGpu, bytes: number): boolean;
  /** At most 4096 bytes at a time, and 8 times at once. */
  readonly fetch: Fetch;
}

/**
 * Where the build puts the addon with CUDA kernels. TRAINYARD_CUDA_ADDON names another one: only where sources run, since
 * what is installed loads no code that its surroundings name.
 */
export function cudaAddonPath(isFromSources = fromSources): string {
  const named = isFromSources ? process.env.TRAINYARD_CUDA_ADDON : undefined;
  return named ? path.resolve(named) : packageFile('native/build/trainyard_cuda.node');
}

/** Why there is no GPU engine, and what can be done about it. */
export function missingEngine(platform: NodeJS.Platform, isFromSources: boolean): string {
  if (platform === 'darwin') return 'CUDA GPUs are not supported on macOS: train on the CPU.';
  if (!isFromSources) return 'This build of Trainyard has no GPU engine: train on the CPU.';
  return 'The GPU engine is not built: run `npm run build:cuda` (where there is no nvcc, `npm run setup:nvcc` before) and try again.';
}

const missing = (file: string): string =>
  fromSources && process.env.TRAINYARD_CUDA_ADDON && file === cudaAddonPath()
    ? `TRAINYARD_CUDA_ADDON names ${file}, which is not there: correct it, or leave it out.`
    : missingEngine(process.platform, fromSources);

/** Loads an addon. @throws UserError when it is missing or can't be loaded */
export function loadGpuAddon(file: string): GpuAddon {
  if (!fs.existsSync(file)) throw new UserError(missing(file));
  try {
    return withWords(createRequire(import.meta.url)(file) as GpuAddon);
  } catch (error) {
    const remedy = fromSources ? 'run `npm run build:cuda` on this machine' : 'reinstall Trainyard';
    throw new UserError(`The GPU engine can't be loaded (${(error as Error).message.split('\n')[0]}): ${remedy}.`);
  }
}
