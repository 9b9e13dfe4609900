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
   * One entry an axis: a sum of products of whole numbers and dimension names, such as `batch*time` or `width+2*side`.
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
  /** Numbers that native kernels must have as the plan has them: `chunkRows` is kChunkRows there. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Why the kernels of a processor, or those of a GPU, can't run a call; undefined when they can, or where it is absent. */
  readonly limits?: {
    readonly processor?: (call: Call) => string | undefined;
    readonly gpu?: (call: Call) => string | undefined;
  };
  /**
   * Calls in a row that are of one group may be launched together, in any order: there is one for each parameter, and none
   * reads or writes what another writes.
   */
  readonly fused?: string;
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

/** For `check`: the first count that is not what it should be. */
export function countsOf(
  counts: Readonly<Record<string, readonly [actual: number, expected: number]>>,
): string | undefined {
  const wrong = Object.entries(counts).find(([, [actual, expected]]) => actual !== expected);
  return wrong && `${wrong[0]} is ${wrong[1][0]}, not ${wrong[1][1]}`;
}

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

/** An op's arguments taken apart once: recording and verifying look at them at every call. */
export interface ArgTable {
  readonly names: readonly string[];
  readonly specs: readonly ArgSpec[];
  readonly axes: readonly (readonly Axis[])[];
}

const tables = new WeakMap<OpSpec, ArgTable>();

export function argsOf(spec: OpSpec): ArgTable {
  let table = tables.get(spec);
  if (!table) {
    const specs = Object.values(spec.args);
    table = { names: Object.keys(spec.args), specs, axes: specs.map((a) => a.shape.map(axisOf)) };
    tables.set(spec, table);
  }
  return table;
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

/** A whole number times named dimensions. */
interface Term {
  readonly factor: number;
  readonly names: readonly string[];
}

/** An axis taken apart: a sum of products. */
interface Axis {
  readonly text: string;
  readonly terms: readonly Term[];
  readonly names: readonly string[];
}

const axes = new Map<string, Axis>();

function axisOf(text: string): Axis {
  let axis = axes.get(text);
  if (!axis) {
    const terms = text.replace('~', '').split('+').map(termOf);
    axis = { text, terms, names: terms.flatMap(({ names }) => names) };
    axes.set(text, axis);
  }
  return axis;
}

function termOf(product: string): Term {
  const parts = product.split('*');
  const numbers = parts.filter((p) => /^\d+$/.test(p)).map(Number);
  return { factor: numbers.reduce((a, b) => a * b, 1), names: parts.filter((p) => !/^\d+$/.test(p)) };
}

/** Whether an axis is a dimension, and nothing besides. */
const isOneName = ({ terms, names }: Axis): boolean =>
  terms.length === 1 && names.length === 1 && terms[0]!.factor === 1;

/** The size of an axis, or undefined while some of its names are not solved. */
function evaluate(axis: Axis, dims: Readonly<Record<string, number>>): number | undefined {
  let size = 0;
  for (const { factor, names } of axis.terms) {
    let product = factor;
    for (const name of names) {
      const d = dims[name];
      if (d === undefined) return undefined;
      product *= d;
    }
    size += product;
  }
  return size;
}

/** Solves an axis that has a single unknown name, in one of its terms, for that name. */
function solve(axis: Axis, size: number, dims: Record<string, number>): void {
  let unknown: string | undefined;
  let [rest, factorOfUnknown] = [size, 1];
  for (const { factor, names } of axis.terms) {
    let product = factor;
    let isKnown = true;
    for (const name of names) {
      const d = dims[name];
      if (d !== undefined) product *= d;
      else if (unknown !== undefined) return;
      else [unknown, isKnown] = [name, false];
    }
    if (isKnown) rest -= product;
    else factorOfUnknown = product;
  }
  if (unknown !== undefined) dims[unknown] = Math.floor(rest / factorOfUnknown);
}

/** Whether a kind of call can be made in half precision. */
export const hasReal = (spec: OpSpec): boolean => Object.values(spec.args).some((a) => a.dtype === 'real');

/**
 * The precision of a call: the type of its `real` arguments, float32 where it has none.
 * @throws Error when they are of several types
 */
function precisionOf(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Precision {
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

/** A call's dimensions and precision. */
export interface Sizes {
  readonly dims: Dims;
  readonly precision: Precision;
}

/** A call whose sizes are known, by the types and shapes of its buffers in the order of the declaration. */
interface Known {
  readonly buffers: readonly (Buffer | undefined)[];
  readonly sizes: Sizes;
}

const known = new WeakMap<OpSpec, Known[]>();

/** A model has fewer calls of a kind that differ in their sizes; the oldest make room. */
const maxKnown = 32;

/**
 * The sizes of a call of a kind with some buffers. Layers are alike: what is worked out for one holds for all calls of the
 * kind whose buffers have the same types and shapes.
 * @param args a workspace may be among them, which follows from the sizes
 * @throws Error that names the op, the argument and the axis when shapes, dtypes or arguments don't fit the declaration.
 */
export function sizesOf(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Sizes {
  for (const name in args) {
    if (spec.args[name] === undefined && name !== 'workspace') throw new Error(`${spec.kind} has no argument ${name}`);
  }
  const { names } = argsOf(spec);
  let all = known.get(spec);
  if (!all) known.set(spec, (all = []));
  for (let k = all.length - 1; k >= 0; k--) if (isAlike(all[k]!, names, args)) return all[k]!.sizes;
  const sizes = { dims: resolveDims(spec, args), precision: precisionOf(spec, args) };
  if (all.length === maxKnown) all.shift();
  all.push({ buffers: names.map((name) => args[name]), sizes });
  return sizes;
}

function isAlike(
  { buffers }: Known,
  names: readonly string[],
  args: Readonly<Record<string, Buffer | undefined>>,
): boolean {
  for (let i = 0; i < names.length; i++) {
    const a = buffers[i];
    const b = args[names[i]!];
    if (a === b) continue;
    if (!a || !b || a.dtype !== b.dtype || a.shape.length !== b.shape.length) return false;
    for (let axis = 0; axis < a.shape.length; axis++) if (a.shape[axis] !== b.shape[axis]) return false;
  }
  return true;
}

/** Solves the dimension names of a kind from the shapes of the buffers given, and checks every axis of every one. */
function resolveDims(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Dims {
  const dims: Record<string, number> = {};
  const sized: { name: string; axis: Axis; index: number; size: number }[] = [];
  const { names, specs, axes: axesOf } = argsOf(spec);
  for (const [k, name] of names.entries()) {
    const a = specs[k]!;
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
    for (let i = 0; i < shape.length; i++) sized.push({ name, axis: axesOf[k]![i]!, index: i, size: shape[i]! });
  }
  // Names that stand alone come first; products are solved with what is known then.
  for (const { axis, size } of sized) if (isOneName(axis)) dims[axis.names[0]!] ??= size;
  const solveAll = () => {
    for (const { axis, size } of sized) solve(axis, size, dims);
  };
  solveAll();
  // Some wait for a name that an axis behind them has told.
  if (sized.some(({ axis }) => axis.names.some((name) => dims[name] === undefined))) solveAll();
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
