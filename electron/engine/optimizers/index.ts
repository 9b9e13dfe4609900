import type { Parameter, Parameters } from '../gpt2/parameters.ts';
import type { Recorder } from '../program/recorder.ts';
import { elements } from '../program/types.ts';
import { bits4States } from './bits4.ts';
import { type Bits8States, bits8States } from './bits8.ts';
import { float32States } from './float32.ts';
import { recordPaged } from './paged.ts';
import type { ParameterStates, StateTensor, UpdateInputs } from './states.ts';

export type { AdamWSettings, Moments, ParameterStates, StateTensor, UpdateInputs } from './states.ts';

export const optimizerKinds = ['adamw', 'adamw8bit', 'pagedAdamw8bit', 'adamw4bit'] as const;
export type OptimizerKind = (typeof optimizerKinds)[number];

/**
 * What low-bit optimizers do beside their papers' formulas (`paper`), which harm whatever shares a block with second moments
 * that are thousands of times its own: those are rounded to 0, and a step divides by ε alone. `stable`: embeddings, most of
 * whose rows are rare tokens, keep float32 moments, as users of bitsandbytes have it (its StableEmbedding; Dettmers et al.
 * 2022, section 2.3); 8-bit second moments of all others, such as those of queries and keys beside values, are coded by their
 * square root.
 */
export const lowBitStates = ['stable', 'paper'] as const;
export type LowBitStates = (typeof lowBitStates)[number];

/** AdamW's numbers and the largest gradient norm of a run that gives none, as GPT-3's (Brown et al. 2020, appendix B). */
export const usualNumbers = { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, gradClip: 1 } as const;

/**
 * Whether a parameter's moments are kept in few bits. Those of small tensors are not (bitsandbytes: fewer than 4096 elements;
 * lpmm: 4096 or fewer).
 */
function isLowBit(kind: OptimizerKind, { spec }: Parameter, states: LowBitStates): boolean {
  if (kind === 'adamw' || (spec.embedding && states === 'stable')) return false;
  const n = elements(spec.fileShape);
  return kind === 'adamw4bit' ? n > 4096 : n >= 4096;
}

/** AdamW with its moments in one of several formats. */
export class Optimizer {
  readonly kind: OptimizerKind;
  readonly lowBitStates: LowBitStates;
  readonly states: readonly ParameterStates[];
  readonly #paged: readonly Bits8States[];

  /** @param lowBit what it does beside the papers' formulas, where it is a low-bit one */
  constructor(kind: OptimizerKind, parameters: Parameters, lowBit: LowBitStates = 'paper') {
    this.kind = kind;
    this.lowBitStates = lowBit;
    const paged: Bits8States[] = [];
    this.states = parameters.all.map((parameter) => {
      if (!isLowBit(kind, parameter, lowBit)) return float32States(parameter);
      if (kind === 'adamw4bit') return bits4States(parameter);
      const role = kind === 'adamw8bit' ? 'optimizer' : 'paged';
      const states = bits8States(parameter, role, lowBit === 'stable');
      if (kind === 'pagedAdamw8bit') paged.push(states);
      return states;
    });
    this.#paged = paged;
  }

  get tensors(): StateTensor[] {
    return this.states.flatMap((s) => s.tensors);
  }

  /** Emits one update of every parameter. */
  record(r: Recorder, inputs: UpdateInputs): void {
    const paged = new Set<ParameterStates>(this.#paged);
    for (const states of this.states) if (!paged.has(states)) states.record(r, inputs);
    recordPaged(r, this.#paged, inputs);
  }
}
