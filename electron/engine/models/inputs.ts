import { scalarCount } from '../ops/scalars.ts';
import type { Buffer } from '../program/types.ts';

export interface Inputs {
  readonly tokens: Buffer;
  readonly targets: Buffer;
  readonly position: Buffer;
  /** [seed low, seed high, micro-batch low, micro-batch high] */
  readonly rng: Buffer;
  readonly scalars: Buffer;
}

/** Inputs of texts that are packed into one row of tokens: see `embedPacked` and `packedAttention`. */
export interface PackedInputs {
  readonly tokens: Buffer;
  /** Position of each token in its own text. */
  readonly positions: Buffer;
  /** What each token sees before its own stretch, and where that begins. */
  readonly spans: Buffer;
  /** Rows whose next token is scored, and these tokens; -1 where there is none. */
  readonly rows: Buffer;
  readonly targets: Buffer;
}

/** @param rows tokens at a time, and targets at most */
export function packedInputs(rows: number): PackedInputs {
  const input = (name: string, ...shape: number[]): Buffer => ({
    name: `packed.${name}`,
    shape,
    dtype: 'i32',
    role: 'input',
  });
  return {
    tokens: input('tokens', 1, rows),
    positions: input('positions', rows),
    spans: input('spans', rows, 3),
    rows: input('rows', rows),
    targets: input('targets', rows),
  };
}

/** The input buffers of programs over `batch` sequences of `time` tokens; `shared` ones are taken from another set. */
export function inputBuffers(batch: number, time: number, shared?: Inputs): Inputs {
  const input = (name: string, shape: number[], dtype: 'i32' | 'f32'): Buffer => ({
    name,
    shape,
    dtype,
    role: 'input',
  });
  return {
    tokens: input('tokens', [batch, time], 'i32'),
    targets: input('targets', [batch, time], 'i32'),
    position: shared?.position ?? input('position', [1], 'i32'),
    rng: shared?.rng ?? input('rng', [4], 'i32'),
    scalars: shared?.scalars ?? input('scalars', [scalarCount], 'f32'),
  };
}
