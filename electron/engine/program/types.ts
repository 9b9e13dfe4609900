/** Element types of buffers. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'u16' | 'u8';

export const bytesPerElement: Record<DType, number> = { f32: 4, f16: 2, bf16: 2, i32: 4, u16: 2, u8: 1 };

/**
 * What a buffer is for. `activation` and `workspace` live only while calls of one program need them and share one arena
 * by lifetime. `cache` (keys and values of tokens read before) lives there too, as long as only programs that use it are
 * run: a training step in between takes its place. All other roles persist, each in an arena of its own; `paged`
 * in the host's memory, wherever the device's is.
 */
export type Role =
  'parameter' | 'gradient' | 'optimizer' | 'paged' | 'cache' | 'input' | 'output' | 'activation' | 'workspace';

export const persistentRoles = ['parameter', 'gradient', 'optimizer', 'paged', 'input', 'output'] as const;

export interface Buffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly role: Role;
}

export type Phase = 'forward' | 'recompute' | 'backward' | 'update';

/** One kernel call: which buffers it reads and writes, and plain numbers. Replayed as it is, every step. */
export interface Call {
  readonly kind: string;
  readonly args: Readonly<Record<string, Buffer | undefined>>;
  /** Names of the arguments that this call adds to instead of overwriting. */
  readonly accumulate: ReadonlySet<string>;
  readonly dims: Readonly<Record<string, number>>;
  readonly attrs: Readonly<Record<string, number>>;
  readonly phase: Phase;
  /** Where in the model, e.g. `h.3.attn`. */
  readonly scope: string;
}

/** A recorded list of calls. Devices interpret it; nothing in it changes from step to step. */
export interface Program {
  readonly name: string;
  readonly calls: readonly Call[];
}

export const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

export const byteLength = (b: Buffer): number => elements(b.shape) * bytesPerElement[b.dtype];

export const isTransient = (b: Buffer): boolean => b.role === 'activation' || b.role === 'workspace';
