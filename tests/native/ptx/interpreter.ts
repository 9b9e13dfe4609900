import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { CudaDevice } from '../../../electron/engine/devices/cuda/device.ts';
import type { TestedDevice } from '../../engine/devices.ts';
import type { orders } from '../gpu.ts';
import { createPlayedGpu, interpretedAddonPath } from '../gpu.ts';

/** The kernels' PTX is compiled where nvcc is; elsewhere its tests are skipped by name. */
export const hasInterpretedGpu = fs.existsSync(interpretedAddonPath);

/** A GPU that does what nvcc made of the kernels. */
export const interpreted = (order: (typeof orders)[number], seed = 0): TestedDevice => ({
  name: `interpreted GPU, ${order}`,
  open: async () => createPlayedGpu({ addon: interpretedAddonPath, order, ordinal: seed }),
});

/** Types of the kernels that this process has not run yet. */
export const unusedKernels = (): string[] =>
  (createRequire(import.meta.url)(interpretedAddonPath) as { unusedKernels(): string[] }).unusedKernels();

/** Accesses of one kind: how often warps asked, in how many turns or sectors they were served, and the least that would have done. */
export interface Accesses {
  readonly requests: number;
  readonly parts: number;
  readonly min: number;
}

export interface Traffic {
  readonly launches: number;
  readonly warpInstructions: number;
  /** Of matrices, by tensor cores. */
  readonly products: number;
  readonly shared: Accesses;
  readonly global: Accesses;
}

/** What each kernel asked of memory since this was last called; before the first call it is not counted. */
export const traffic = (device: CudaDevice): Record<string, Traffic> =>
  (
    createRequire(import.meta.url)(interpretedAddonPath) as {
      traffic(device: CudaDevice['native']): Record<string, Traffic>;
    }
  ).traffic(device.native);

const interpreterPath = path.join(path.dirname(interpretedAddonPath), 'trainyard_interpreter.node');
/** The interpreter takes a compiler, and no nvcc. */
export const hasInterpreter = fs.existsSync(interpreterPath);

export interface Launch {
  readonly blocks?: number;
  readonly blocksY?: number;
  readonly threads?: number;
  readonly sharedBytes?: number;
  readonly order?: (typeof orders)[number];
  readonly seed?: number;
}

type Memory = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array | BigUint64Array;

/**
 * Runs a text of PTX whose entry takes pointers to the memories, and leaves in them what it wrote.
 * @returns instructions, each counted once for every lane that did it
 * @throws Error with what is wrong with the kernel
 */
export function interpret(text: string, launch: Launch, memories: readonly Memory[]): number {
  const addon = createRequire(import.meta.url)(interpreterPath) as {
    interpret(text: string, launch: Required<Launch>, memories: readonly Memory[]): number;
  };
  const defaults = { blocks: 1, blocksY: 1, threads: 32, sharedBytes: 0, order: 'forward', seed: 0 } as const;
  return addon.interpret(text, { ...defaults, ...launch }, memories);
}

/** Registers that every kernel below has, pointers to its memories in %d0, %d1 and so on, and its thread in %r0. */
export const kernel = (memories: number, body: string, name = 'kernel'): string => `
.version 7.8
.target sm_86
.address_size 64
.extern .shared .align 16 .b8 room[];
${entry(memories, body, name)}`;

/** One of several in a text. */
export const entry = (memories: number, body: string, name: string): string => `
.visible .entry ${name}(${Array.from({ length: memories }, (_, i) => `.param .u64 memory${i}`).join(', ')})
{
  .reg .pred %p<8>;
  .reg .b16 %h<8>;
  .reg .f32 %f<32>;
  .reg .b32 %r<48>;
  .reg .b64 %d<32>;
${Array.from({ length: memories }, (_, i) => `  ld.param.u64 %d${i}, [memory${i}];`).join('\n')}
  mov.u32 %r0, %tid.x;
${body}
  ret;
}
`;
