/** Element types of buffers. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'u16' | 'u8';

/** In what a program computes: activations and working weights. Sums, norms and master weights are float32 in all. */
export const precisions = ['f32', 'bf16', 'f16'] as const;
export type Precision = (typeof precisions)[number];

export const bytesPerElement: Record<DType, number> = { f32: 4, f16: 2, bf16: 2, i32: 4, u16: 2, u8: 1 };

/**
 * What a buffer is for. `activation` and `workspace` live only while calls of one program need them and share one arena
 * by lifetime. `cache` (keys and values of tokens read before) lives there too, as long as only programs that use it are
 * run: a training step in between takes its place. All other roles persist, each in an arena of its own; `paged`
 * in the host's memory, wherever the device's is. `working` are the weights in half precision that products read, made
 * from the parameters after each update.
 */
export type Role =
  | 'parameter'
  | 'working'
  | 'gradient'
  | 'optimizer'
  | 'paged'
  | 'cache'
  | 'input'
  | 'output'
  | 'activation'
  | 'workspace';

export const persistentRoles = ['parameter', 'working', 'gradient', 'optimizer', 'paged', 'input', 'output'] as const;

export interface Buffer {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  readonly role: Role;
}

export type Pass = 'forward' | 'recompute' | 'backward' | 'update';

/** One kernel call: which buffers it reads and writes, and plain numbers. Replayed as it is, every step. */
export interface Call {
  readonly kind: string;
  readonly args: Readonly<Record<string, Buffer | undefined>>;
  /** Names of the arguments that this call adds to instead of overwriting. */
  readonly accumulate: ReadonlySet<string>;
  readonly dims: Readonly<Record<string, number>>;
  readonly attrs: Readonly<Record<string, number>>;
  /** The type of its `real` arguments. */
  readonly precision: Precision;
  readonly pass: Pass;
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
