import { opOf } from './declare.ts';
import { byteLength, type Call, type Program } from './types.ts';

export interface Cost {
  /** Floating-point operations; a multiply-add counts 2. */
  readonly flops: number;
  /** Bytes that must cross the memory bus when nothing is in a cache: every argument read or written once, or what its declaration says. */
  readonly bytes: number;
}

/** What one call computes and moves, by its declaration. */
export function callCost(call: Call): Cost {
  const spec = opOf(call.kind);
  const flops = spec.flops(call.dims, call.attrs, call);
  if (spec.bytes) return { flops, bytes: spec.bytes(call.dims, call.precision) };
  let bytes = 0;
  for (const [name, a] of Object.entries(spec.args)) {
    const b = call.args[name];
    if (!b) continue;
    const passes = a.access === 'update' || (a.access === 'sum' && call.accumulate.has(name)) ? 2 : 1;
    bytes += passes * byteLength(b);
  }
  return { flops, bytes };
}

/** The sum over a program's calls. */
export function programCost(program: Program): Cost {
  return program.calls.map(callCost).reduce((a, b) => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes }), {
    flops: 0,
    bytes: 0,
  });
}

export interface ModelShape {
  readonly nLayer: number;
  readonly nEmbd: number;
  readonly vocabSize: number;
}

/**
 * Model FLOPs to train on one token, as nanoGPT and PaLM (Chowdhery et al. 2022, appendix B) count them: 6 per parameter
 * that multiplies an activation, and 12·L·C·T for attention. Recomputation does not count: it is no useful work.
 * @param contextLength tokens that a token's attention spans, the mask not discounted (as the literature does)
 */
export function modelFlopsPerToken(shape: ModelShape, contextLength: number): number {
  const { nLayer: L, nEmbd: C, vocabSize: V } = shape;
  const matrices = L * 12 * C * C + V * C;
  return 6 * matrices + 12 * L * C * contextLength;
}

/** Model FLOPs utilisation: useful work a second over what the device could do at its peak. */
export function mfu(tokensPerSecond: number, flopsPerToken: number, peakFlops: number): number {
  return (tokensPerSecond * flopsPerToken) / peakFlops;
}
