import fc from 'fast-check';
import { rounded } from '../../../electron/base/halves.ts';
import { hasReal, type OpSpec, opOf } from '../../../electron/engine/program/declare.ts';
import { elements, type Precision, precisions } from '../../../electron/engine/program/types.ts';
import { Random } from '../random.ts';
import { hasArgument, type Numbers, type OneCall, seesOld, shapeOf, type Values } from './oneCall.ts';

/** @param earlier values of the arguments that are declared before this one */
type MakeValues = (
  n: number,
  d: Numbers,
  attrs: Numbers,
  random: Random,
  earlier: Values,
) => Float32Array | Int32Array | Uint8Array;

/** How one kind of call is tested: sizes, attributes and values that differ from the defaults. */
export interface OpCase {
  readonly kind: string;
  readonly dims: fc.Arbitrary<Numbers>;
  readonly attrs?: (d: Numbers, random: Random) => Numbers;
  /** Values of arguments that are not N(0, 1). */
  readonly values?: Record<string, MakeValues>;
  /** Values that must fit the others: results of another op over arguments of the same names. */
  readonly derived?: { readonly kind: string; readonly attrs?: Numbers; readonly results: readonly string[] };
  /** How many terms are added up for one number of a result. */
  readonly terms: (d: Numbers, attrs: Numbers) => number;
  /** The size of usual results; the root of the number of terms unless given. */
  readonly size?: (d: Numbers, attrs: Numbers) => number;
  /** Something on the way from half precision to float32 results is rounded to half precision too. */
  readonly roundsInside?: boolean;
  /** Of the codes in results of bytes: rounding may tip a few of them to a neighbor. */
  readonly codeBits?: 4 | 8;
}

/** Around vector widths and tile edges. */
const size = fc.constantFrom(1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 65);
const few = fc.integer({ min: 1, max: 3 });
/** Heads of keys and values, and how many heads of queries share one: most often one. */
const heads = { kvHeads: few, share: fc.constantFrom(1, 1, 2, 3) };
export const grouped = <D extends { kvHeads: number; share: number }>({ share, ...d }: D) => ({
  ...d,
  heads: d.kvHeads * share,
});
const headDim = fc.constantFrom(1, 3, 8, 15, 16, 17, 33, 40, 64, 65);
const time = fc.oneof(size, fc.constantFrom(100, 127, 129));

const matrices = fc.oneof(
  { weight: 4, arbitrary: fc.record({ rows: size, in: size, out: size }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<Numbers>(
      { rows: 130, in: 300, out: 70 },
      { rows: 5, in: 513, out: 257 },
      { rows: 257, in: 33, out: 129 },
    ),
  },
);

const dropoutAttrs = (_: Numbers, random: Random) => ({
  dropout: random.pick([0, 0.1, 0.5]),
  stream: random.integer(0, 99),
});
const rng = (n: number, _d: Numbers, _a: Numbers, random: Random) => random.integers(n, -(2 ** 31), 2 ** 31 - 1);

/** The vocabulary fills all but the last rows of the embedding; those hold NaN, which no op may read. */
const vocabAttrs = (d: Numbers, random: Random) => ({
  vocab: random.integer(Math.max(1, d.paddedVocab! - 63), d.paddedVocab!),
});
const paddedWte = (n: number, d: Numbers, attrs: Numbers, random: Random) =>
  random.normals(n, 1 / Math.sqrt(d.width!)).fill(Number.NaN, attrs.vocab! * d.width!);
const targets = (n: number, _d: Numbers, attrs: Numbers, random: Random) => random.integers(n, -1, attrs.vocab! - 1);
const headDims = fc.record({
  rows: fc.oneof(size, fc.constantFrom(511, 513, 520)),
  width: size,
  paddedVocab: fc.constantFrom(64, 128),
});

/** Of each row: the begin and the end of a stretch before it, and the begin of its own. */
const spans = (n: number, _d: Numbers, _a: Numbers, random: Random) =>
  Int32Array.from(
    Array.from({ length: n / 3 }, (_, row) =>
      [random.integer(0, row), random.integer(0, row), random.integer(0, row)].sort((a, b) => a - b),
    ).flat(),
  );

const elementCounts = fc.oneof(size, fc.constantFrom(1000, 65535, 65536, 65537, 131075));
const scalars = (n: number, _d: Numbers, _a: Numbers, random: Random) =>
  Float32Array.from({ length: n }, () => 0.1 + random.uniform());
const squares = (n: number, _d: Numbers, _a: Numbers, random: Random) => random.normals(n).map((x) => x * x);

const codes = (n: number, _d: Numbers, _a: Numbers, random: Random) => Uint8Array.from(random.integers(n, 0, 255));
const magnitudes = (n: number, _d: Numbers, _a: Numbers, random: Random) => random.normals(n).map(Math.abs);
const updateValues = {
  scalars,
  stats: (_n: number, _d: Numbers, _a: Numbers, random: Random) =>
    Float32Array.of(1, random.uniform(), random.pick([0, 0, 1]), 0),
};

export const table: readonly OpCase[] = [
  {
    kind: 'embed',
    dims: fc
      .record({ batch: few, time: size, width: size, paddedVocab: fc.constantFrom(64, 128), room: size })
      .map(({ room, ...d }) => ({ ...d, context: d.time + room })),
    values: {
      tokens: (n, d, _, random) => random.integers(n, 0, d.paddedVocab! - 1),
      position: (_n, d, _, random) => Int32Array.of(random.integer(0, d.context! - d.time!)),
    },
    terms: () => 2,
  },
  {
    kind: 'embedBackward',
    dims: fc
      .record({
        batch: few,
        time: size,
        width: size,
        paddedVocab: fc.constantFrom(64, 128),
        room: fc.integer({ min: 0, max: 5 }),
      })
      .map(({ room, ...d }) => ({ ...d, context: d.time + room })),
    values: { tokens: (n, _d, _, random) => random.integers(n, 0, 9) },
    terms: (d) => d.batch! * d.time!,
  },
  {
    kind: 'layerNorm',
    dims: fc.record({ rows: size, width: size }),
    attrs: () => ({ eps: 1e-5 }),
    // The mean's rounding is divided by the standard deviation, and a row of two may lie close together: keep it apart.
    values: { x: spread },
    terms: (d) => d.width!,
    size: () => 1,
  },
  {
    kind: 'layerNormBackward',
    dims: fc.record({ rows: size, width: size }),
    values: { x: spread },
    derived: { kind: 'layerNorm', attrs: { eps: 1e-5 }, results: ['mean', 'rstd'] },
    terms: (d) => d.width! + d.rows!,
  },
  { kind: 'linear', dims: matrices, attrs: zeroColumns, terms: (d) => d.in! },
  { kind: 'linearGeluTanh', dims: matrices, terms: (d) => d.in! },
  {
    kind: 'linearBackwardInput',
    dims: matrices,
    terms: (d) => d.out!,
  },
  { kind: 'linearBackwardInputGeluTanh', dims: matrices, terms: (d) => d.out! },
  { kind: 'geluTanh', dims: fc.record({ rows: size, width: size }), terms: () => 4 },
  { kind: 'geluTanhBackward', dims: fc.record({ rows: size, width: size }), terms: () => 4 },
  {
    kind: 'embedTokens',
    dims: fc.record({ rows: size, width: size, paddedVocab: fc.constantFrom(64, 128) }),
    values: { tokens: (n, d, _, random) => random.integers(n, 0, d.paddedVocab! - 1) },
    terms: () => 1,
  },
  {
    kind: 'embedTokensBackward',
    dims: fc.record({ rows: size, width: size, paddedVocab: fc.constantFrom(64, 128) }),
    values: { tokens: (n, _d, _, random) => random.integers(n, 0, 9) },
    terms: (d) => d.rows!,
  },
  {
    kind: 'rotaryTable',
    dims: fc
      .record({ time: size, half: fc.constantFrom(1, 3, 8, 20, 32, 64), each: fc.boolean() })
      .map(({ time, half, each }) => ({ time, headDim: 2 * half, count: each ? time : 1 })),
    attrs: (_, random) => ({ base: random.pick([10_000, 500_000]) }),
    values: { positions: (n, _d, _a, random) => random.integers(n, 0, 65_000) },
    terms: () => 1,
    size: () => 1,
  },
  {
    kind: 'rotary',
    dims: fc
      .record({
        batch: few,
        time: size,
        heads: few,
        half: fc.constantFrom(1, 3, 8, 20, 32),
        rest: fc.integer({ min: 0, max: 9 }),
      })
      .map(({ half, rest, ...d }) => ({ ...d, headDim: 2 * half, width: d.heads * 2 * half + rest })),
    attrs: (d, random) => ({ heads: d.heads!, inverse: random.pick([0, 1]) }),
    terms: () => 2,
  },
  { kind: 'linearBackwardWeight', dims: matrices, attrs: zeroColumns, terms: (d) => d.rows! },
  {
    kind: 'attention',
    dims: fc.record({ batch: few, ...heads, time, headDim }).map(grouped),
    attrs: dropoutAttrs,
    values: { rng },
    terms: (d) => d.time! + d.headDim!,
    size: () => 1,
  },
  {
    kind: 'attentionBackward',
    dims: fc.record({ batch: few, ...heads, time, headDim }).map(grouped),
    attrs: dropoutAttrs,
    values: { rng },
    derived: { kind: 'attention', results: ['y', 'lse'] },
    terms: (d) => d.time! + d.headDim!,
    size: () => 1,
  },
  {
    kind: 'cachedAttention',
    dims: fc
      .record({ batch: few, ...heads, time: size, headDim, room: fc.constantFrom(0, 1, 2, 17, 40) })
      .map(({ room, ...d }) => ({ ...grouped(d), context: d.time + room })),
    values: {
      position: (_n, d, _, random) => Int32Array.of(random.integer(0, d.context! - d.time!)),
      kCache: cacheUpToPosition,
      vCache: cacheUpToPosition,
    },
    terms: (d) => d.context! + d.headDim!,
    size: () => 1,
  },
  {
    kind: 'embedPacked',
    dims: fc.record({ rows: size, width: size, paddedVocab: fc.constantFrom(64, 128), context: size }),
    values: {
      tokens: (n, d, _, random) => random.integers(n, 0, d.paddedVocab! - 1),
      positions: (n, d, _, random) => random.integers(n, 0, d.context! - 1),
    },
    terms: () => 2,
  },
  {
    kind: 'packedAttention',
    dims: fc
      .record({ rows: size, ...heads, headDim })
      .map(grouped)
      .map(({ rows, heads, kvHeads, headDim: d }) => ({ rows, heads, width: heads * d, kvWidth: kvHeads * d })),
    attrs: (d) => ({ heads: d.heads! }),
    values: { spans },
    terms: (d) => d.rows! + d.width!,
    size: () => 1,
  },
  {
    kind: 'selectRows',
    dims: fc.record({ sourceRows: size, rows: size, width: size }),
    values: { index: (n, d, _, random) => random.integers(n, 0, d.sourceRows! - 1) },
    terms: () => 1,
  },
  {
    kind: 'dropout',
    dims: fc.record({ rows: size, width: size }),
    attrs: dropoutAttrs,
    values: { rng },
    terms: () => 2,
  },
  {
    kind: 'head',
    dims: fc
      .record({ rows: size, width: size, paddedVocab: fc.constantFrom(64, 128), cut: size })
      .map(({ cut, ...d }) => ({
        ...d,
        vocab: Math.max(1, d.paddedVocab - cut + 1),
      })),
    values: { wte: (n, d, _, random) => random.normals(n).fill(Number.NaN, d.vocab! * d.width!) },
    terms: (d) => d.width!,
  },
  {
    kind: 'headCrossEntropy',
    dims: headDims,
    attrs: vocabAttrs,
    values: { wte: paddedWte, targets },
    terms: (d, a) => d.width! + a.vocab!,
    size: () => 1,
  },
  {
    kind: 'headCrossEntropyGrad',
    dims: headDims,
    attrs: vocabAttrs,
    values: { wte: paddedWte, targets, scalars },
    terms: (d, a) => d.width! + a.vocab! + d.rows!,
    size: () => 1,
    roundsInside: true,
  },
  { kind: 'cast', dims: fc.record({ elements: elementCounts }), terms: () => 1 },
  { kind: 'sumLosses', dims: fc.record({ rows: fc.oneof(size, fc.constantFrom(1000, 4097)) }), terms: (d) => d.rows! },
  {
    kind: 'squaredSum',
    dims: fc.record({ elements: elementCounts, tensors: size }),
    attrs: (d, random) => ({ index: random.integer(0, d.tensors! - 1) }),
    terms: (d) => d.elements!,
  },
  {
    kind: 'clipFactor',
    dims: fc.record({ tensors: size }),
    attrs: (_, random) => ({ maxNorm: random.pick([0, 0.01, 1, 1000]) }),
    values: { squares, scalars },
    terms: (d) => d.tensors!,
    size: () => 1,
  },
  {
    kind: 'adamw8bit',
    dims: elementCounts.map((n) => ({ elements: n, blocks: Math.ceil(n / 256) })),
    attrs: (d, random) => ({ ...adamwAttrs(d, random), root: random.pick([0, 1]) }),
    values: { ...updateValues, mCodes: codes, vCodes: codes, mScale: magnitudes, vScale: magnitudes },
    terms: () => 4,
    codeBits: 8,
  },
  {
    kind: 'adamw4bit',
    dims: fc.oneof(
      elementCounts.map((n) => lowBit(n, 0)),
      fc
        .record({ rows: fc.oneof(size, fc.constantFrom(64, 65, 130)), columns: size })
        .map(({ rows, columns }) => lowBit(rows * columns, rows)),
    ),
    attrs: (d, random) => ({ ...adamwAttrs(d, random), rows: d.rows! }),
    values: { ...updateValues, mCodes: codes, vCodes: codes, mScale: magnitudes, vScale: magnitudes },
    terms: () => 4,
    codeBits: 4,
  },
  {
    kind: 'pageIn',
    dims: elementCounts.map((n) => ({ elements: n, blocks: Math.ceil(n / 256) })),
    values: { hostMCodes: codes, hostVCodes: codes },
    terms: () => 1,
  },
  {
    kind: 'pageOut',
    dims: elementCounts.map((n) => ({ elements: n, blocks: Math.ceil(n / 256) })),
    values: { mCodes: codes, vCodes: codes },
    terms: () => 1,
  },
  {
    kind: 'adamw',
    dims: fc.record({ elements: elementCounts }),
    attrs: adamwAttrs,
    values: { ...updateValues, v: squares },
    terms: () => 4,
  },
];

/** Every kind in every precision that it has. */
export const tableByPrecision = table.flatMap((c) =>
  (hasReal(opOf(c.kind)) ? precisions : (['f32'] as const)).map((precision) => ({ ...c, precision })),
);

/** Whether all results that may be added to are, or some: of an op that adds to none, one is as good as both. */
export const accumulations = ({ kind }: OpCase): boolean[] =>
  Object.values(opOf(kind).args).some(({ access }) => access === 'sum') ? [false, true] : [false];

function adamwAttrs(_: Numbers, random: Random): Numbers {
  return { beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: random.pick([0, 0.1]) };
}

/** Sizes of a 4-bit update; a vector has 0 rows. */
function lowBit(n: number, rows: number): Numbers {
  const blocks = Math.ceil(n / 128);
  return { elements: n, bytes: Math.ceil(n / 2), blocks, rows, scales: rows > 0 ? rows + n / rows : blocks };
}

function zeroColumns({ out }: Numbers, random: Random): Numbers {
  if (random.uniform() < 0.5) return { zeroFrom: 0, zeroTo: 0 };
  const zeroFrom = random.integer(0, out!);
  return { zeroFrom, zeroTo: random.integer(zeroFrom, out!) };
}

/** A key or value cache [batch, heads, context, headDim] that holds NaN from the position of the first new token on. */
function cacheUpToPosition(n: number, d: Numbers, _attrs: Numbers, random: Random, earlier: Values): Float32Array {
  const cache = random.normals(n);
  const one = d.context! * d.headDim!;
  for (let from = 0; from < n; from += one)
    cache.fill(Number.NaN, from + earlier.position![0]! * d.headDim!, from + one);
  return cache;
}

/** Rows with a standard deviation of one about a mean of up to one. */
function spread(n: number, d: Numbers, _attrs: Numbers, random: Random): Float32Array {
  const width = d.width!;
  const x = new Float32Array(n);
  for (let row = 0; row < n; row += width) {
    const mean = random.uniform();
    const values = Array.from({ length: width }, () => random.normal());
    const middle = values.reduce((a, b) => a + b, 0) / width;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - middle) ** 2, 0) / width) || 1;
    x.set(
      values.map((value) => mean + (value - middle) / deviation),
      row,
    );
  }
  return x;
}

export type Runner = (one: OneCall) => Promise<Values>;

/**
 * A call of one kind with random attributes, optional arguments and values.
 * @param reference runs the calls whose results are arguments of this one
 */
export async function makeCall(
  c: OpCase,
  dims: Numbers,
  accumulateAll: boolean,
  seed: number,
  reference: Runner,
  precision: Precision = 'f32',
) {
  const random = new Random(seed);
  const spec = opOf(c.kind);
  const attrs = c.attrs?.(dims, random) ?? {};
  const present = Object.keys(spec.args).filter((n) => spec.args[n]!.optional && random.uniform() < 0.5);
  const accumulate = Object.keys(spec.args).filter(
    (n) => spec.args[n]!.access === 'sum' && hasArgument(spec, n, present) && (accumulateAll || random.uniform() < 0.2),
  );
  const values: Values = {};
  const held = (kind: OpSpec, name: string, x: Values[string]) =>
    kind.args[name]!.dtype === 'real' ? rounded(x as Float32Array, precision) : x;
  for (const name of Object.keys(spec.args)) {
    if (!hasArgument(spec, name, present) || !seesOld(spec, name, accumulate)) continue;
    const n = elements(shapeOf(spec, name, dims));
    values[name] = held(spec, name, c.values?.[name]?.(n, dims, attrs, random, values) ?? random.normals(n));
  }
  if (c.derived) {
    const other = opOf(c.derived.kind);
    const needed = Object.keys(other.args).filter((n) => other.args[n]!.access === 'read');
    const inputs = needed.map((n) => [
      n,
      values[n] ?? held(other, n, random.normals(elements(shapeOf(other, n, dims)))),
    ]);
    const results = await reference({
      kind: c.derived.kind,
      dims,
      attrs: c.derived.attrs ?? attrs,
      present: [],
      accumulate: [],
      values: Object.fromEntries(inputs),
      precision,
    });
    for (const name of c.derived.results) values[name] = results[name]!;
  }
  return { kind: c.kind, dims, attrs, present, accumulate, values, precision } satisfies OneCall;
}
