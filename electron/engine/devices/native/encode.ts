// All kinds, whatever else is imported: a kind's code is its place among them.
import '../../ops/index.ts';
import { allOps, dimNames, opOf } from '../../program/declare.ts';
import { arenaNames, type Plan } from '../../program/planner.ts';
import { type Buffer, precisions, type Program } from '../../program/types.ts';

/**
 * A program as numbers for native/common/decode.h. Each call: kind, precision, accumulate bits, (arena, offset) of every argument and
 * of the workspace (-1, 0 when absent), dimensions, attributes, all in the order of the op's declaration.
 */
export function encode(program: Program, plan: Plan): Float64Array {
  const codes = new Map(allOps().map((op, i) => [op.kind, i]));
  const out: number[] = [];
  const place = (b: Buffer | undefined) => {
    if (!b) {
      out.push(-1, 0);
      return;
    }
    const p = plan.placements.get(b);
    if (!p) throw new Error(`${b.name} has no place in the plan`);
    out.push(arenaNames.indexOf(p.arena), p.offset);
  };
  for (const call of program.calls) {
    const spec = opOf(call.kind);
    const sums = Object.keys(spec.args).filter((n) => spec.args[n]!.access === 'sum');
    const accumulate = sums.reduce((bits, n, i) => bits | (call.accumulate.has(n) ? 1 << i : 0), 0);
    out.push(codes.get(call.kind)!, precisions.indexOf(call.precision), accumulate);
    for (const name of Object.keys(spec.args)) place(call.args[name]);
    place(call.args.workspace);
    for (const name of dimNames(spec)) out.push(call.dims[name]!);
    for (const name of spec.attrs) out.push(call.attrs[name]!);
  }
  return Float64Array.from(out);
}
