import { type ModelConfig, paddedVocabSize } from '../model.ts';
import { type Init, parameter, type ParameterSpec } from '../parameters.ts';

const std = 0.02;

/**
 * Every parameter of a GPT-2 in the order of its use, by Hugging Face's names (GPT2LMHeadModel, without the `transformer.`
 * prefix) and in the layout of its Conv1D. The two projections back into the residual stream start smaller.
 */
export function parameterTable(c: ModelConfig): ParameterSpec[] {
  const { nEmbd: C, nLayer: L } = c;
  const residual: Init = { kind: 'normal', std: std / Math.sqrt(2 * L) };
  const normal: Init = { kind: 'normal', std };
  const norm = (name: string) => [
    parameter(`${name}.weight`, [C], { kind: 'ones' }),
    parameter(`${name}.bias`, [C], { kind: 'zeros' }),
  ];
  const linear = (name: string, from: number, to: number, init: Init) => [
    parameter(`${name}.weight`, [from, to], init),
    parameter(`${name}.bias`, [to], { kind: 'zeros' }),
  ];
  return [
    { ...parameter('wte.weight', [paddedVocabSize(c), C], normal, [c.vocabSize, C]), embedding: true },
    { ...parameter('wpe.weight', [c.contextLength, C], normal), embedding: true, positions: true },
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
