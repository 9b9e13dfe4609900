import { expect } from 'vitest';
import type { Device, HostArray } from '../../../electron/engine/devices/device.ts';
import { fromHalves, isHalf, toHalves } from '../../../electron/base/halves.ts';
import { type OpSpec, opOf } from '../../../electron/engine/program/declare.ts';
import '../../../electron/engine/ops/index.ts';
import { type ArenaName, align, arenaNames, type Plan } from '../../../electron/engine/program/planner.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import {
  type Buffer,
  byteLength,
  type Call,
  elements,
  type Precision,
  type Program,
} from '../../../electron/engine/program/types.ts';
import { sameBits } from '../compare.ts';

/** By argument; numbers in half precision as float32. */
export type Values = Record<string, Float32Array | Int32Array | Uint8Array>;
export type Numbers = Readonly<Record<string, number>>;

/** One call with the values of its arguments. Those that the call only writes have none. */
export interface OneCall {
  readonly kind: string;
  readonly dims: Numbers;
  readonly attrs: Numbers;
  /** Optional arguments that the call has. */
  readonly present: readonly string[];
  readonly accumulate: readonly string[];
  readonly values: Values;
  /** Of the `real` arguments; float32 unless given. */
  readonly precision?: Precision;
}

/** The shape of an argument for given sizes of the op's dimensions. */
export function shapeOf(spec: OpSpec, name: string, dims: Numbers): number[] {
  const size = (part: string) => (/^\d+$/.test(part) ? Number(part) : dims[part]!);
  const product = (term: string) => term.split('*').reduce((n, part) => n * size(part), 1);
  return spec.args[name]!.shape.map((axis) =>
    axis
      .replace('~', '')
      .split('+')
      .reduce((n, term) => n + product(term), 0),
  );
}

/** Whether a call sees the old value of an argument. */
export function seesOld(spec: OpSpec, name: string, accumulate: readonly string[]): boolean {
  const { access } = spec.args[name]!;
  return access === 'read' || access === 'update' || (access === 'sum' && accumulate.includes(name));
}

export const hasArgument = (spec: OpSpec, name: string, present: readonly string[]): boolean =>
  !spec.args[name]!.optional || present.includes(name);

/** A program of one call over buffers that all persist, so that a test can fill and read each of them. */
export function programOf(one: Omit<OneCall, 'values'>): Program {
  const spec = opOf(one.kind);
  const args: Record<string, Buffer> = {};
  for (const [name, { dtype }] of Object.entries(spec.args)) {
    if (!hasArgument(spec, name, one.present)) continue;
    const type = dtype === 'real' ? (one.precision ?? 'f32') : dtype;
    args[name] = { name, shape: shapeOf(spec, name, one.dims), dtype: type, role: 'output' };
  }
  const r = new Recorder();
  r.emit(spec, args, { ...one.attrs }, [...one.accumulate]);
  return r.program(one.kind);
}

/** A plan with all buffers in one arena and a guard in front of, between and behind them: not a byte is left over. */
export function guardedPlan(buffers: readonly Buffer[]): { plan: Plan; guards: Buffer[] } {
  const arena: ArenaName = 'output';
  const placements = new Map<Buffer, { arena: ArenaName; offset: number }>();
  const guards: Buffer[] = [];
  let at = 0;
  const guard = (until: number) => {
    guards.push({ name: `guard ${guards.length}`, shape: [until - at], dtype: 'u8', role: 'output' });
    placements.set(guards.at(-1)!, { arena, offset: at });
    at = until;
  };
  guard(256);
  for (const b of buffers) {
    placements.set(b, { arena, offset: at });
    at += byteLength(b);
    guard(align(at) + 256); // starts at the very next byte
  }
  const arenaBytes = { ...Object.fromEntries(arenaNames.map((n) => [n, 0])), [arena]: at } as Plan['arenaBytes'];
  const roleBytes = { output: at } as Plan['roleBytes'];
  return {
    plan: { placements, arenaBytes, totalBytes: at, hostBytes: 0, roleBytes, peak: undefined, lowerBound: 0 },
    guards,
  };
}

/** A NaN that says where it comes from: as an integer it is an index far outside of everything. */
const poison = 0x7fc0dead;

function poisoned(b: Buffer): HostArray {
  if (isHalf(b.dtype)) return new Uint16Array(elements(b.shape)).fill(0x7fed); // NaN in both formats
  if (b.dtype === 'u8') return new Uint8Array(elements(b.shape)).fill(0xad);
  const bits = new Int32Array(elements(b.shape)).fill(poison);
  return b.dtype === 'i32' ? bits : new Float32Array(bits.buffer);
}

/**
 * Runs one call over an arena that is NaN everywhere but in the call's inputs.
 * Expects every guard and every input to be left as it was.
 * @returns what the call wrote, by argument
 */
export async function run(device: Device, one: OneCall): Promise<Values> {
  const program = programOf(one);
  const call = program.calls[0]!;
  const spec = opOf(one.kind);
  const buffers = Object.values(call.args).filter((b) => b !== undefined);
  const { plan, guards } = guardedPlan(buffers);
  const session = await device.load([program], plan);
  try {
    for (const b of [...buffers, ...guards]) session.write(b, poisoned(b));
    for (const [name, b] of argumentsOf(call)) {
      if (seesOld(spec, name, one.accumulate)) session.write(b, stored(b, one.values[name]!));
    }
    await session.run(program);
    for (const g of guards) if (!sameBits(session.read(g), poisoned(g))) expect.fail(g.name);
    const results: Values = {};
    for (const [name, b] of argumentsOf(call)) {
      const now = loaded(b, session.read(b));
      if (spec.args[name]!.access !== 'read') results[name] = now;
      else if (!sameBits(now, one.values[name]!)) expect.fail(`${one.kind} changed ${name}, which it only reads`);
    }
    return results;
  } finally {
    session.close();
  }
}

const stored = (b: Buffer, values: Values[string]): HostArray =>
  isHalf(b.dtype) ? toHalves(values as Float32Array, b.dtype) : values;

const loaded = (b: Buffer, held: HostArray): Values[string] =>
  isHalf(b.dtype) ? fromHalves(held as Uint16Array, b.dtype) : (held as Values[string]);

const argumentsOf = (call: Call): [string, Buffer][] =>
  Object.entries(call.args).filter((e): e is [string, Buffer] => e[0] !== 'workspace' && e[1] !== undefined);
