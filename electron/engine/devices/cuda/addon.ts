import fs from 'node:fs';
import { createRequire } from 'node:module';
import { UserError } from '../../../errors.ts';
import { packageFile } from '../../../paths.ts';
import type { NativeSession, SessionAddon } from '../native/session.ts';

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
  /** What this process held before any arena: the driver's context, and kernels. */
  readonly overheadBytes: number;
  readonly driver: string;
}

/** What native/binding/gpuAddon.cpp exports. */
export interface GpuAddon extends SessionAddon {
  /** How many GPUs there are; 0 without a driver. */
  countDevices(): number;
  /** What is known of a GPU without using it, which would take of its memory. */
  lookAtDevice(ordinal: number): GpuDescription;
  createDevice(ordinal: number, tf32: boolean, order: string | undefined): NativeGpu;
  describeDevice(device: NativeGpu): GpuDescription;
  /** Of the GPU's memory, now. */
  freeBytes(device: NativeGpu): number;
  /** Of the emulated GPU: what it finds wrong with a kernel of its own. */
  selfTest(device: NativeGpu, kernel: string): string;
  /** Of the emulated GPU: names of the kernels since this was last asked, the latest thousand. */
  launched(device: NativeGpu): string[];
  createSession(device: NativeGpu, arenaBytes: Float64Array, hostArena: number): NativeSession;
}

/** Where the build puts the addon with CUDA kernels. A test may have another one take its place. */
export const cudaAddonPath = process.env.TRAINYARD_CUDA_ADDON ?? packageFile('native/build/trainyard_cuda.node');
/** Where it puts the one that plays a GPU on the host. */
export const emulatedAddonPath = packageFile('native/build/tests/trainyard_emulated.node');

/** Loads an addon. @throws UserError when it is missing or can't be loaded */
export function loadGpuAddon(file: string): GpuAddon {
  if (!fs.existsSync(file)) {
    throw new UserError(
      'The GPU engine is not built: install the CUDA toolkit (nvcc), run `npm run build:cuda` and try again.',
    );
  }
  try {
    return createRequire(import.meta.url)(file) as GpuAddon;
  } catch (error) {
    throw new UserError(
      `The GPU engine can't be loaded (${(error as Error).message.split('\n')[0]}): run \`npm run build:cuda\` on this machine.`,
    );
  }
}
