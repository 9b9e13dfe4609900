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
