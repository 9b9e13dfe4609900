import { type Dims, type OpSpec, opOf, sizesOf } from './declare.ts';
import type { Buffer, Call } from './types.ts';

type Args = Readonly<Record<string, Buffer | undefined>>;

/** Two calls that one call computes as well, with the same bits: the second takes what the first one writes. */
export interface Fusion {
  readonly first: string;
  /** What the first call writes and the second reads: its name in either. */
  readonly from: string;
  readonly second: string;
  readonly to: string;
  /** The op of the one call. */
  readonly into: OpSpec;
  /** The arguments of the one call, of those of the two. */
  readonly args: (first: Args, second: Args) => Args;
  /** Two that are left as they are. */
  readonly unless?: (first: Call, second: Call) => boolean;
}

const fusions: Fusion[] = [];

/** Registers a fusion: programs are recorded without it, and it is found in them. */
export function defineFusion(fusion: Fusion): void {
  fusions.push(fusion);
}

/** Puts one call in the place of the first of two wherever a fusion fits. */
export function fused(calls: readonly Call[]): Call[] {
  const kept: (Call | undefined)[] = [...calls];
  calls.forEach((first, i) => {
    for (const fusion of fusions) {
      const between = first.kind === fusion.first ? first.args[fusion.from] : undefined;
      if (!between) continue;
      const j = nextUse(calls, between, i + 1);
      const second = calls[j];
      if (second?.kind !== fusion.second || second.args[fusion.to] !== between) continue;
      if (first.accumulate.size > 0 || second.accumulate.size > 0 || first.pass !== second.pass) continue;
      if (fusion.unless?.(first, second)) continue;
      const args = fusion.args(first.args, second.args);
      const isKept = Object.values(args).includes(between);
      if (!isKept && nextUse(calls, between, j + 1) < calls.length) continue;
      if (!canMove(second, between, calls.slice(i + 1, j))) continue;
      kept[i] = oneCall(fusion.into, first, second, args);
      kept[j] = undefined;
    }
  });
  return kept.filter((call) => call !== undefined);
}

/** The place of the first call from one on that has a buffer as an argument; behind the last where there is none. */
function nextUse(calls: readonly Call[], buffer: Buffer, from: number): number {
  for (let i = from; i < calls.length; i++) {
    const { args } = calls[i]!;
    for (const name in args) if (args[name] === buffer) return i;
  }
  return calls.length;
}

/** Whether a call may be made before those in front of it: they write nothing that it reads, and don't see what it writes. */
function canMove(call: Call, except: Buffer, inFront: readonly Call[]): boolean {
  const spec = opOf(call.kind);
  const own = Object.entries(call.args).filter(([, b]) => b && b !== except);
  return inFront.every((other) =>
    own.every(([name, b]) =>
      Object.entries(other.args).every(
        ([otherName, otherBuffer]) =>
          otherBuffer !== b ||
          (spec.args[name]?.access === 'read' && opOf(other.kind).args[otherName]?.access === 'read'),
      ),
    ),
  );
}

function oneCall(op: OpSpec, first: Call, second: Call, args: Args): Call {
  const all: Dims = { ...first.attrs, ...second.attrs };
  return {
    kind: op.kind,
    args,
    accumulate: new Set(),
    ...sizesOf(op, args),
    attrs: Object.fromEntries(op.attrs.map((name) => [name, all[name]!])),
    pass: first.pass,
    scope: first.scope,
  };
}
