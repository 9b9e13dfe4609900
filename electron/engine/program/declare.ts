import type { Gradients } from './gradients.ts';
import { type Buffer, type Call, type DType, elements } from './types.ts';

/**
 * How a call uses an argument. `sum` is written or added to, as the call chooses: gradients of tensors with several
 * uses, and of several micro-batches. `update` is read and written in place.
 */
export type Access = 'read' | 'write' | 'sum' | 'update';

export interface ArgSpec {
  readonly access: Access;
  /**
   * One entry an axis: a product of whole numbers and dimension names, such as `3*width` or `batch*time`.
   * A single entry that starts with `~` counts the elements of a buffer of any shape.
   */
  readonly shape: readonly string[];
  readonly dtype: DType;
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
  /** float32 elements of scratch memory that one call needs, part of the plan. */
  readonly workspace?: (d: Dims, attrs: Dims) => number;
  /** Emits the calls that take the gradient of the outputs to the inputs. */
  readonly gradient?: (g: Gradients, call: Call) => void;
}

const arg =
  (access: Access) =>
  (shape: string, dtype: DType = 'f32'): ArgSpec => ({
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

/** Registers a kind. The order of registration is the order of the codes that native devices see. */
export function defineOp<const S extends OpSpec>(spec: S): S {
  if (registry.has(spec.kind)) throw new Error(`op ${spec.kind} is declared twice`);
  registry.set(spec.kind, spec);
  return spec;
}

export const allOps = (): OpSpec[] => [...registry.values()];

export function opOf(kind: string): OpSpec {
  const spec = registry.get(kind);
  if (!spec) throw new Error(`no op is declared as ${kind}`);
  return spec;
}

/** The dimension names of a kind, in the order in which devices receive them. */
export function dimNames(spec: OpSpec): string[] {
  const names = new Set<string>();
  for (const a of Object.values(spec.args)) {
    for (const axis of a.shape) for (const f of factorsOf(axis)) if (!isNumber(f)) names.add(f);
  }
  return [...names];
}

const factorsOf = (axis: string): string[] => axis.replace('~', '').split('*');
const isNumber = (factor: string): boolean => /^\d+$/.test(factor);

const evaluate = (axis: string, dims: Record<string, number>): number =>
  factorsOf(axis).reduce((product, f) => product * (isNumber(f) ? Number(f) : (dims[f] ?? Number.NaN)), 1);

const shapeFor = (a: ArgSpec, b: Buffer): readonly number[] =>
  a.shape[0]?.startsWith('~') ? [elements(b.shape)] : b.shape;

/** Solves an axis with a single unknown name for it; says whether it could. */
function solveAxis(axis: string, size: number, dims: Record<string, number>): boolean {
  const unknown = factorsOf(axis).filter((f) => !isNumber(f) && !(f in dims));
  if (unknown.length !== 1) return false;
  dims[unknown[0]!] = 1;
  dims[unknown[0]!] = Math.floor(size / evaluate(axis, dims));
  return true;
}

/**
 * Solves the dimension names of a kind from the shapes of the buffers given, and checks every axis of every one.
 * @throws Error that names the op, the argument and the axis when shapes, dtypes or arguments don't fit the declaration.
 */
export function resolveDims(spec: OpSpec, args: Readonly<Record<string, Buffer | undefined>>): Dims {
  const dims: Record<string, number> = {};
  for (const name of Object.keys(args)) {
    if (!(name in spec.args)) throw new Error(`${spec.kind} has no argument ${name}`);
  }
  for (const [name, a] of Object.entries(spec.args)) {
    const b = args[name];
    if (!b) {
      if (!a.optional) throw new Error(`${spec.kind}: argument ${name} is missing`);
      continue;
    }
    if (b.dtype !== a.dtype) throw new Error(`${spec.kind}: ${name} (${b.name}) is ${b.dtype}, not ${a.dtype}`);
    if (shapeFor(a, b).length !== a.shape.length) {
      throw new Error(`${spec.kind}: ${name} (${b.name}) has shape [${b.shape}], not [${a.shape.join(', ')}]`);
    }
  }
  const axes = Object.entries(spec.args).flatMap(([name, a]) =>
    a.shape.map((axis, i) => ({ axis, size: args[name] && shapeFor(a, args[name])[i] })),
  );
  let solved = true;
  while (solved) {
    solved = false;
    for (const { axis, size } of axes) if (size !== undefined && solveAxis(axis, size, dims)) solved = true;
  }
  for (const [name, a] of Object.entries(spec.args)) {
    const b = args[name];
    if (!b) continue;
    a.shape.forEach((axis, i) => {
      const size = shapeFor(a, b)[i];
      const expected = evaluate(axis, dims);
      if (expected !== size) {
        throw new Error(`${spec.kind}: axis ${i} of ${name} (${b.name}) is ${size}, not ${axis} = ${expected}`);
      }
    });
  }
  for (const d of dimNames(spec)) dims[d] ??= 0; // only in optional arguments that are absent
  return dims;
}
