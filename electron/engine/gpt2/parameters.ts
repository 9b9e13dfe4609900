import type { Buffer, Precision } from '../program/types.ts';
import { type ModelConfig, paddedVocabSize } from './config.ts';

export type Init =
  { readonly kind: 'normal'; readonly std: number } | { readonly kind: 'ones' } | { readonly kind: 'zeros' };

/** One row of the table that sizes, checkpoints, decay groups and the calculator derive from. */
export interface ParameterSpec {
  /** Hugging Face's name (GPT2LMHeadModel, without the `transformer.` prefix). */
  readonly name: string;
  /** Shape in memory; linear weights as Hugging Face's Conv1D: (in, out). */
  readonly shape: readonly number[];
  /** Shape in files: without the padding of the vocabulary. */
  readonly fileShape: readonly number[];
  readonly init: Init;
  /** Weight decay applies: tensors of two or more dimensions. */
  readonly decay: boolean;
  /** A row for each token or position: low-bit optimizers keep its moments in float32. */
  readonly embedding?: true;
}

const std = 0.02;

/** Every parameter of a model in the order of its use. The two projections back into the residual stream start smaller. */
export function parameterTable(c: ModelConfig): ParameterSpec[] {
  const { nEmbd: C, nLayer: L } = c;
  const residual: Init = { kind: 'normal', std: std / Math.sqrt(2 * L) };
  const normal: Init = { kind: 'normal', std };
  const row = (name: string, shape: number[], init: Init, fileShape = shape): ParameterSpec => ({
    name,
    shape,
    fileShape,
    init,
    decay: shape.length >= 2,
  });
  const norm = (name: string) => [
    row(`${name}.weight`, [C], { kind: 'ones' }),
    row(`${name}.bias`, [C], { kind: 'zeros' }),
  ];
  const linear = (name: string, from: number, to: number, init: Init) => [
    row(`${name}.weight`, [from, to], init),
    row(`${name}.bias`, [to], { kind: 'zeros' }),
  ];
  return [
    { ...row('wte.weight', [paddedVocabSize(c), C], normal, [c.vocabSize, C]), embedding: true },
    { ...row('wpe.weight', [c.contextLength, C], normal), embedding: true },
    ...Array.from({ length: L }, (_, i) => [
      ...norm(`h.${i}.ln_1`),
      ...linear(`h.${i}.attn.c_attn`, C, 3 * C, normal),
      ...linear(`h.${i}.attn.c_proj`, C, C, residual),
      ...norm(`h.${i}.ln_2`),
      ...linear(`h.${i}.mlp.c_fc`, C, 4 * C, normal),
      ...linear(`h.${i}.mlp.c_proj`, 4 * C, C, residual),
    ]).flat(),
    ...norm('ln_f'),
  ];
}

export interface Parameter {
  readonly spec: ParameterSpec;
  /** In float32: what the optimizer updates and checkpoints hold. */
  readonly value: Buffer;
  /** What products read: the value itself, or a matrix in half precision made from it. */
  readonly working: Buffer;
  readonly gradient: Buffer;
}

/** A model's parameters and their gradients as buffers, looked up by Hugging Face name. */
export class Parameters {
  readonly all: readonly Parameter[];
  readonly #byName: ReadonlyMap<string, Parameter>;
  readonly #gradients: ReadonlyMap<Buffer, Buffer>;

  /** @param precision of the matrices that products read; vectors (biases, layer norms) stay float32 */
  constructor(config: ModelConfig, precision: Precision = 'f32') {
    this.all = parameterTable(config).map((spec) => {
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
