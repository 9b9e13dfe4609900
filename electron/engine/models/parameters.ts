import type { Buffer, Precision } from '../program/types.ts';

export type Init =
  { readonly kind: 'normal'; readonly std: number } | { readonly kind: 'ones' } | { readonly kind: 'zeros' };

/** One row of the table that sizes, checkpoints, decay groups and the calculator derive from. */
export interface ParameterSpec {
  /** As checkpoints name it. */
  readonly name: string;
  /** Shape in memory; weights of linear layers are (in, out). */
  readonly shape: readonly number[];
  /** Shape in files: without the padding of the vocabulary. */
  readonly fileShape: readonly number[];
  readonly init: Init;
  /** Weight decay applies: tensors of two or more dimensions. */
  readonly decay: boolean;
  /** A row for each token or position: low-bit optimizers keep its moments in float32. */
  readonly embedding?: true;
  /** A row for each position, learned: a model that reads further has more of them. */
  readonly positions?: true;
}

/** A row of the table, with what follows from the shape. */
export const parameter = (
  name: string,
  shape: readonly number[],
  init: Init,
  fileShape: readonly number[] = shape,
): ParameterSpec => ({ name, shape, fileShape, init, decay: shape.length >= 2 });

export interface Parameter {
  readonly spec: ParameterSpec;
  /** In float32: what the optimizer updates and checkpoints hold. */
  readonly value: Buffer;
  /** What products read: the value itself, or a matrix in half precision made from it. */
  readonly working: Buffer;
  readonly gradient: Buffer;
}

/** A model's parameters and their gradients as buffers, looked up by name. */
export class Parameters {
  readonly all: readonly Parameter[];
  readonly #byName: ReadonlyMap<string, Parameter>;
  readonly #gradients: ReadonlyMap<Buffer, Buffer>;

  /** @param precision of the matrices that products read; vectors (biases, norms) stay float32 */
  constructor(table: readonly ParameterSpec[], precision: Precision = 'f32') {
    this.all = table.map((spec) => {
      const { name, shape } = spec;
      const value: Buffer = { name, shape, dtype: 'f32', role: 'parameter' };
      const isHalf = precision !== 'f32' && shape.length >= 2;
      return {
        spec,
        value,
        working: isHalf ? { name: `${precision}(${name})`, shape, dtype: precision, role: 'working' } : value,
        gradient: { name: `d(${name})`, shape, dtype: 'f32', role: 'gradient' },
      };
    });
    this.#byName = new Map(this.all.map((p) => [p.spec.name, p]));
    this.#gradients = new Map(this.all.map((p) => [p.working, p.gradient]));
  }

  /** What a forward pass reads of a parameter. */
  get(name: string): Buffer {
    const p = this.#byName.get(name);
    if (!p) throw new Error(`the model has no parameter ${name}`);
    return p.working;
  }

  readonly gradientOf = (value: Buffer): Buffer => {
    const g = this.#gradients.get(value);
    if (!g) throw new Error(`${value.name} is no parameter`);
    return g;
  };
}
