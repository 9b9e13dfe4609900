import type { Gradients } from './gradients.ts';
import { type Buffer, type Call, type DType, elements, type Precision, precisions } from './types.ts';

/**
 * How a call uses an argument. `sum` is written or added to, as the call chooses: gradients of tensors with several
 * uses, and of several micro-batches. `update` is read and written in place.
 */
export type Access = 'read' | 'write' | 'sum' | 'update';

/** `real`: float32 or one of the half precisions, the same for all such arguments of a call. */
export type ArgType = DType | 'real';

export interface ArgSpec {
  readonly access: Access;
  /**
   * One entry an axis: a product of whole numbers and dimension names, such as `3*width` or `batch*time`.
   * A single entry that starts with `~` counts the elements of a buffer of any shape.
   */
  readonly shape: readonly string[];
  readonly dtype: ArgType;
  readonly optional: boolean;
}

export type Dims = Readonly<Record<string, number>>;

/** The one declaration of a kind of call. Recorder, verifier, planner, cost model and devices all read it. */
export interface OpSpec {
  readonly kind: string;
  /** One line: the formula. */
  readonly formula: string;
  readonly args: Readonly<Record<string, ArgSpec>>;
  /** Names of the plain-number attributes, in the order in which devices receive them. */
  readonly attrs: readonly string[];
  /** Floating-point operations of one call; a multiply-add counts 2. */
  readonly flops: (d: Dims, attrs: Dims, call: Call) => number;
  /** Whether these are products of matrices, which tensor cores take. */
  readonly multipliesMatrices: boolean;
  /** Bytes that one call moves, where that is not every argument once. */
  readonly bytes?: (d: Dims, precision: Precision) => number;
  /** float32 elements of scratch memory that one call needs, part of the plan. */
  readonly workspace?: (d: Dims, attrs: Dims, precision: Precision) => number;
  /** What is wrong with sizes and attributes that shapes don't tell; undefined when nothing is. */
  readonly check?: (d: Dims, attrs: Dims) => string | undefined;
  /** Emits the calls that take the gradient of the outputs to the inputs. */
  readonly gradient?: (g: Gradients, call: Call) => void;
}

const arg =
  (access: Access) =>
  (shape: string, dtype: ArgType = 'f32'): ArgSpec => ({
    access,
    shape: shape === '' ? [] : shape.split(' '),
    dtype,
    optional: false,
  });

export const read = arg('read');
export const write = arg('write');
export const sum = arg('sum');
export const update = arg('update');
export const optional = (spec: ArgSpec): ArgSpec => ({ ...spec, optional: true });

const registry = new Map<string, OpSpec>();

/** Registers a kind of call. */
export function defineOp<const S extends OpSpec>(spec: S): S {
  if (registry.has(spec.kind)) throw new Error(`op ${spec.kind} is declared twice`);
  registry.set(spec.kind, spec);
  return spec;
}

/** Every kind by name: a kind's place in this list is the code by which native devices know it. */
export const allOps = (): OpSpec[] => [...registry.values()].sort((a, b) => (a.kind < b.kind ? -1 : 1));

export function opOf(kind: string): OpSpec {
  const spec = registry.get(kind);
  if (!spec) throw new Error(`no op is declared as ${kind}`);
  return spec;
}

const namesOf = new WeakMap<OpSpec, readonly string[]>();

/** The dimension names of a kind, in the order in which devices receive them. */
export function dimNames(spec: OpSpec): readonly string[] {
  let names = namesOf.get(spec);
  if (!names) {
    const shapes = Object.values(spec.args).map((a) => a.shape);
    names = [...new Set(shapes.flat().flatMap((axis) => axisOf(axis).names))];
    namesOf.set(spec, names);
  }
  return names;
}

/** An axis taken apart: a whole number times named dimensions. */
interface Axis {
  readonly text: string;
  readonly factor: number;
  readonly names: readonly string[];
}

const axes = new Map<string, Axis>();

function axisOf(text: string): Axis {
  let axis = axes.get(text);
  if (!axis) {
    const parts = text.replace('~', '').split('*');
    const numbers = parts.filter((p) => /^\d+$/.test(p)).map(Number);
    const names = parts.filter((p) => !/^\d+$/.test(p));
    axis = { text, factor: numbers.reduce((a, b) => a * b, 1), names };
    axes.set(text, axis);
  }
  return axis;
}

/** The size of an axis, or undefined while some of its names are not solved. */
function evaluate(axis: Axis, dims: Readonly<Record<string, number>>): number | undefined {
  let size = axis.factor;
  for (const name of axis.names) {
    const d = dims[name];
    if (d === undefined) return undefined;
    size *= d;
  }
  return size;
}

/** Solves an axis that has a single unknown name, for that name. */
function solve(axis: Axis, size: number, dims: Record<string, number>): void {
  let unknown: string | undefined;
  let known = axis.factor;
  for (const name of axis.names) {
    const d = dims[name];
    if (d !== undefined) known *= d;
    else if (unknown !== undefined) return;
    else unknown = name;
  }
  if (unknown !== undefined) dims[unknown] = Math.floor(size / known);
}

/** Whether a kind of call can be made in half precision. */
export const hasReal = (spec: OpSpec): boolean => Object.values(spec.args).some((a) => a.dtype === 'real');

/**
 * The precision of a call: the type of its `real` arguments, float32 where it has none.
 * @throws Error when they are of several types
 */
export function precisionOf(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Precision {
  let found: { name: string; precision: Precision } | undefined;
  for (const name in spec.args) {
    const b = args[name];
    if (spec.args[name]!.dtype !== 'real' || !b) continue;
    const precision = precisions.find((p) => p === b.dtype);
    if (!precision) throw new Error(`${spec.kind}: ${name} (${b.name}) is ${b.dtype}, not ${precisions.join(' or ')}`);
    if (found && found.precision !== precision) {
      throw new Error(`${spec.kind}: ${name} (${b.name}) is ${precision}, and ${found.name} is ${found.precision}`);
    }
    found ??= { name, precision };
  }
  return found?.precision ?? 'f32';
}

const shapeFor = (a: ArgSpec, b: Buffer): readonly number[] =>
  a.shape[0]?.startsWith('~') ? [elements(b.shape)] : b.shape;

/**
 * Solves the dimension names of a kind from the shapes of the buffers given, and checks every axis of every one.
 * @throws Error that names the op, the argument and the axis when shapes, dtypes or arguments don't fit the declaration.
 */
export function resolveDims(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Dims {
  const dims: Record<string, number> = {};
  for (const name in args) if (!(name in spec.args)) throw new Error(`${spec.kind} has no argument ${name}`);
  const sized: { name: string; axis: Axis; index: number; size: number }[] = [];
  for (const name in spec.args) {
    const a = spec.args[name]!;
    const b = args[name];
    if (!b) {
      if (!a.optional) throw new Error(`${spec.kind}: argument ${name} is missing`);
      continue;
    }
    if (a.dtype !== 'real' && b.dtype !== a.dtype)
      throw new Error(`${spec.kind}: ${name} (${b.name}) is ${b.dtype}, not ${a.dtype}`);
    const shape = shapeFor(a, b);
    if (shape.length !== a.shape.length) {
      throw new Error(`${spec.kind}: ${name} (${b.name}) has shape [${shape}], not [${a.shape.join(', ')}]`);
    }
    for (let i = 0; i < shape.length; i++) sized.push({ name, axis: axisOf(a.shape[i]!), index: i, size: shape[i]! });
  }
  // Names that stand alone come first; products are solved with what is known then.
  for (const { axis, size } of sized) if (axis.names.length === 1 && axis.factor === 1) dims[axis.names[0]!] ??= size;
  for (const { axis, size } of sized) solve(axis, size, dims);
  for (const { name, axis, index, size } of sized) {
    const expected = evaluate(axis, dims);
    if (expected !== size) {
      const problem = `axis ${index} of ${name} (${args[name]!.name}) is ${size}, not ${axis.text} = ${expected}`;
      throw new Error(`${spec.kind}: ${problem}`);
    }
  }
  for (const d of dimNames(spec)) dims[d] ??= 0; // only in optional arguments that are absent
  return dims;
}
