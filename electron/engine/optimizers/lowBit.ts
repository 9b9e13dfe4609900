import type { Parameter } from '../models/parameters.ts';
import { elements } from '../program/types.ts';

/**
 * What low-bit optimizers do beside their papers' formulas (`paper`), which harm whatever shares a block with second moments
 * that are thousands of times its own: those are rounded to 0, and a step divides by ε alone. `stable`: embeddings, most of
 * whose rows are rare tokens, keep float32 moments, as users of bitsandbytes have it (its StableEmbedding; Dettmers et al.
 * 2022, section 2.3); 8-bit second moments of all others, such as those of queries and keys beside values, are coded by their
 * square root.
 */
export const lowBitStates = ['stable', 'paper'] as const;
export type LowBitStates = (typeof lowBitStates)[number];

/**
 * Whether a parameter's states are kept in few bits. Those of small tensors are not.
 * @param fewest elements of the smallest tensor whose states are
 */
export const keepsFewBits = ({ spec }: Parameter, states: LowBitStates, fewest: number): boolean =>
  !(spec.embedding && states === 'stable') && elements(spec.fileShape) >= fewest;
