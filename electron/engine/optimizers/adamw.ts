import type { Parameter } from '../models/parameters.ts';
import { defineOp, read, update } from '../program/declare.ts';
import {
  decayOf,
  defineOptimizer,
  type ParameterStates,
  type SharedNumbers,
  type StateTensor,
  type UpdateInputs,
} from './optimizer.ts';

/** Attributes of a call of any AdamW. */
export const adamwAttrs = ['beta1', 'beta2', 'eps', 'weightDecay'] as const;

/** AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW. Does nothing in a step whose gradient is not finite. */
export const adamwOp = defineOp({
  kind: 'adamw',
  formula: 'p -= lr·wd·p; m, v; p -= lr · m̂ / (√v̂ + eps)',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    m: update('~elements'),
    v: update('~elements'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs],
  multipliesMatrices: false,
  flops: (d) => 14 * d.elements!,
  fused: 'updates',
});

/** Attributes of the update of a parameter by any AdamW. */
export const attrsOf = ({ beta1, beta2, eps, weightDecay }: SharedNumbers, parameter: Parameter) => ({
  beta1,
  beta2,
  eps,
  weightDecay: decayOf({ weightDecay }, parameter),
});

/** Both moments in float32: 8 bytes an element. */
export function float32States(parameter: Parameter): ParameterStates {
  const { name, shape, fileShape } = parameter.spec;
  const tensor = (moment: 'm' | 'v'): StateTensor => ({
    name: `${moment}.${name}`,
    buffer: { name: `${moment}.${name}`, shape, dtype: 'f32', role: 'optimizer' },
    fileShape,
  });
  const [m, v] = [tensor('m'), tensor('v')];
  return {
    parameter,
    format: 'float32',
    tensors: [m, v],
    record(r, { settings, stats, scalars }: UpdateInputs) {
      const { value: p, gradient: g } = parameter;
      r.emit(adamwOp, { p, g, m: m.buffer, v: v.buffer, stats, scalars }, attrsOf(settings, parameter));
    },
    decode: ([m, v]) => ({ m: m as Float32Array, v: v as Float32Array }),
    encode: ({ m, v }) => [m, v],
    countLost([m, v]) {
      let lost = 0;
      for (let i = 0; i < m!.length; i++) if (v![i] === 0 && m![i] !== 0) lost++;
      return lost;
    },
  };
}

/**
 * How far a weight can move in a step of AdamW with exact moments, in learning rates: |m̂| ≤ reach · √v̂ by Cauchy and Schwarz
 * over the weighted gradients, with equality for gradients that grow by β2/β1 a step. 1.17 for β1 0.9 and β2 0.95; infinite from
 * β1² = β2 on. Kingma & Ba 2015, section 2.1, have (1 − β1)/√(1 − β2), which holds for a single gradient.
 */
export function adamwReach({ beta1, beta2 }: Pick<SharedNumbers, 'beta1' | 'beta2'>): number {
  const ratio = (beta1 * beta1) / beta2;
  return ratio < 1 ? Math.max(1, (1 - beta1) / Math.sqrt((1 - beta2) * (1 - ratio))) : Number.POSITIVE_INFINITY;
}

/** What all of AdamW's family say of themselves. */
export const adamwFamily = { family: 'AdamW', keeps: 'moments', reach: adamwReach } as const;

export const adamw = defineOptimizer({
  ...adamwFamily,
  kind: 'adamw',
  label: 'AdamW',
  keptIn: 'float32',
  compactness: 0,
  lowBit: false,
  states: (parameters) => ({ all: parameters.map(float32States) }),
});
