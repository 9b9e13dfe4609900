import { beforeAll, describe, expect, it } from 'vitest';
import type { Device, Session } from '../../../electron/engine/devices/device.ts';
import { type OpSpec, opOf } from '../../../electron/engine/program/declare.ts';
import { geluTanh, headCrossEntropyGrad, linear, rotary, rotaryTable } from '../../../electron/engine/ops/index.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import { type Buffer, type DType, elements, type Program, type Role } from '../../../electron/engine/program/types.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { Random } from '../random.ts';
import { shapeOf } from './oneCall.ts';

const noZeros = { zeroFrom: 0, zeroTo: 0 };

/** A program that takes an output and its gradients for one `dy`: the sum of dy · y is what finite differences are taken of. */
interface Differentiated {
  readonly program: Program;
  readonly inputs: readonly Buffer[];
  readonly gradients: ReadonlyMap<Buffer, Buffer>;
  readonly y: Buffer;
  /** The gradient that is given for y. */
  readonly dy: Float32Array;
  readonly fixed: readonly (readonly [Buffer, Float32Array | Int32Array])[];
}

const random = new Random(7);
const buffer = (name: string, shape: readonly number[], role: Role, dtype: DType = 'f32'): Buffer => ({
  name,
  shape,
  dtype,
  role,
});
const gradientsFor = (inputs: readonly Buffer[]) =>
  new Map(inputs.map((b) => [b, buffer(`d(${b.name})`, b.shape, 'gradient')]));

/** One forward op with its gradient rule. */
function single(
  kind: string,
  dims: Record<string, number>,
  fixed: Record<string, Float32Array | Int32Array>,
  attrs = {},
) {
  const spec: OpSpec = opOf(kind);
  const args: Record<string, Buffer> = {};
  for (const [name, { access, dtype }] of Object.entries(spec.args)) {
    const role = access !== 'read' ? 'output' : fixed[name] ? 'input' : 'parameter';
    args[name] = buffer(name, shapeOf(spec, name, dims), role, dtype === 'real' ? 'f32' : dtype);
  }
  const inputs = Object.values(args).filter((b) => b.role === 'parameter');
  const y = args.y ?? args.x!;
  return differentiated(
    inputs,
    y,
    Object.entries(fixed).map(([n, v]) => [args[n]!, v] as const),
    (r) => r.emit(spec, args, attrs),
  );
}

function differentiated(
  inputs: readonly Buffer[],
  y: Buffer,
  fixed: Differentiated['fixed'],
  record: (r: Recorder) => void,
): Differentiated {
  const gradients = gradientsFor(inputs);
  const r = new Recorder({ training: true, gradientOf: (p) => gradients.get(p)! });
  const given = buffer('dy', y.shape, 'input');
  const dy = random.normals(elements(y.shape));
  record(r);
  r.share(y, given);
  r.backward();
  for (const b of inputs) {
    const known = sharedGradient(r, b);
    if (known) gradients.set(b, known);
  }
  return { program: r.program('differentiated'), inputs, gradients, y, dy, fixed: [...fixed, [given, dy]] };
}

/** The gradient of a residual input is dy itself. */
function sharedGradient(r: Recorder, b: Buffer): Buffer | undefined {
  try {
    return r.of(b);
  } catch {
    return undefined;
  }
}

/** fc, GELU, projection and residual: the product rule of GELU belongs to the projection's backward call. */
function mlp(): Differentiated {
  const p = (name: string, ...shape: number[]) => buffer(name, shape, 'parameter');
  const [x, w1, b1, w2, b2] = [p('x', 9, 6), p('w1', 6, 17), p('b1', 17), p('w2', 17, 6), p('b2', 6)];
  const [pre, h, y] = ['pre', 'h', 'y'].map((n) => buffer(n, [9, n === 'y' ? 6 : 17], 'output')) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const record = (r: Recorder) => {
    r.emit(linear, { x, w: w1, b: b1, y: pre }, noZeros);
    r.emit(geluTanh, { x: pre, y: h });
    r.emit(linear, { x: h, w: w2, b: b2, y }, noZeros);
  };
  return differentiated([x, w1, b1, w2, b2], y, [], record);
}

/** A projection whose rows are turned in place, and what reads them. */
function turned(): Differentiated {
  const p = (name: string, ...shape: number[]) => buffer(name, shape, 'parameter');
  const [batch, time, headDim] = [2, 5, 6];
  const [x, w1, w2] = [p('x', batch * time, 7), p('w1', 7, 20), p('w2', 20, 3)];
  const position = buffer('position', [1], 'input', 'i32');
  const table = buffer('table', [time, headDim], 'output');
  const [h, y] = [buffer('h', [batch * time, 20], 'output'), buffer('y', [batch * time, 3], 'output')];
  const record = (r: Recorder) => {
    r.emit(rotaryTable, { positions: position, table }, { base: 10_000 });
    r.emit(linear, { x, w: w1, y: h }, noZeros);
    r.emit(rotary, { x: h, table }, { heads: 3, inverse: 0 });
    r.emit(linear, { x: h, w: w2, y }, noZeros);
  };
  return differentiated([x, w1, w2], y, [[position, Int32Array.of(3)]], record);
}

/** The fused head gives its own gradients, of lossGradient · Σ losses. */
function crossEntropy(): Differentiated {
  const [rows, width, vocab] = [11, 8, 50];
  const x = buffer('x', [rows, width], 'parameter');
  const wte = buffer('wte', [64, width], 'parameter');
  const targets = buffer('targets', [1, rows], 'input', 'i32');
  const scalars = buffer('scalars', [8], 'input');
  const losses = buffer('losses', [rows], 'output');
  const gradients = gradientsFor([x, wte]);
  const r = new Recorder();
  const args = { x, wte, targets, scalars, losses, dx: gradients.get(x), dwte: gradients.get(wte) };
  r.emit(headCrossEntropyGrad, args, { vocab });
  const fixed = [
    [targets, random.integers(rows, -1, vocab - 1)],
    [scalars, new Float32Array(8).fill(0.25)],
  ] as const;
  return {
    program: r.program('head'),
    inputs: [x, wte],
    gradients,
    y: losses,
    dy: new Float32Array(rows).fill(0.25),
    fixed,
  };
}

const rng = () => random.integers(4, -(2 ** 31), 2 ** 31 - 1);
const attentionDims = { batch: 2, heads: 2, kvHeads: 2, time: 17, headDim: 5 };
const grouped = { ...attentionDims, heads: 6 };
const zero = Int32Array.of(0);
const tokens = random.integers(2 * 7, 0, 5);

const cases: [name: string, make: () => Differentiated][] = [
  ['linear', () => single('linear', { rows: 7, in: 17, out: 5 }, {}, noZeros)],
  ['linear, GELU, linear', mlp],
  ['layerNorm', () => single('layerNorm', { rows: 7, width: 33 }, {}, { eps: 1e-5 })],
  [
    'embed',
    () => single('embed', { batch: 2, time: 7, width: 5, paddedVocab: 64, context: 9 }, { tokens, position: zero }),
  ],
  ['attention', () => single('attention', attentionDims, { rng: rng() }, { dropout: 0, stream: 0 })],
  ['attention with dropout', () => single('attention', attentionDims, { rng: rng() }, { dropout: 0.3, stream: 5 })],
  ['grouped attention', () => single('attention', grouped, { rng: rng() }, { dropout: 0, stream: 0 })],
  ['grouped attention with dropout', () => single('attention', grouped, { rng: rng() }, { dropout: 0.3, stream: 5 })],
  ['embedTokens', () => single('embedTokens', { rows: 14, width: 5, paddedVocab: 64 }, { tokens })],
  ['geluTanh', () => single('geluTanh', { rows: 7, width: 9 }, {})],
  ['linear, rotary, linear', turned],
  ['dropout', () => single('dropout', { rows: 7, width: 9 }, { rng: rng() }, { dropout: 0.4, stream: 3 })],
  ['headCrossEntropyGrad', crossEntropy],
];

/** Σ dy · y at a point. */
async function lossAt(session: Session, d: Differentiated, point: ReadonlyMap<Buffer, Float32Array>): Promise<number> {
  for (const [b, values] of point) session.write(b, values);
  await session.run(d.program);
  return Array.from(session.read(d.y)).reduce((sum, y, i) => sum + y * d.dy[i]!, 0);
}

/** The derivative along `v` by Richardson's extrapolation of central differences: its error is of order step⁴. */
async function slope(
  session: Session,
  d: Differentiated,
  point: ReadonlyMap<Buffer, Float32Array>,
  b: Buffer,
  v: Float32Array,
): Promise<number> {
  const at = async (step: number) => {
    const moved = point.get(b)!.map((x, i) => x + step * v[i]!);
    return lossAt(session, d, new Map(point).set(b, moved));
  };
  const central = async (h: number) => ((await at(h)) - (await at(-h))) / (2 * h);
  const h = 0.02;
  return (4 * (await central(h)) - (await central(2 * h))) / 3;
}

const norm = (v: Float32Array) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0));

describe.each([tfjs, ...(hasCpu ? [cpu(2)] : [])])('gradients on $name', ({ open }) => {
  let device: Device;
  beforeAll(async () => {
    device = await open();
  });

  it.each(cases)('of %s equal finite differences', async (_name, make) => {
    const d = make();
    const session = await device.load([d.program], plan([d.program]));
    for (const [b, values] of d.fixed) session.write(b, values);
    const point = new Map(d.inputs.map((b) => [b, random.normals(elements(b.shape), 0.5)]));
    await lossAt(session, d, point);
    const gradients = new Map(d.inputs.map((b) => [b, session.read(d.gradients.get(b)!).slice() as Float32Array]));
    for (const b of d.inputs) {
      const g = gradients.get(b)!;
      expect(norm(g), `gradient of ${b.name}`).toBeGreaterThan(0);
      // Along the gradient itself: a wrong size shows. Along random signs: any one wrong element shows.
      const along = g.map((x) => x / norm(g));
      const signs = () => g.map(() => random.pick([-1, 1]));
      for (const v of [along, signs(), signs(), signs()]) {
        const unit = v.map((x) => x / Math.max(1, norm(v) / 4)); // no further than 4 × the step from the point
        const exact = g.reduce((sum, x, i) => sum + x * unit[i]!, 0);
        const measured = await slope(session, d, point, b, unit);
        const defaults = (norm(g) * norm(unit)) / Math.sqrt(v === along ? 1 : g.length);
        expect(Math.abs(measured - exact), `${b.name}: ${measured}, not ${exact}`).toBeLessThan(2e-3 * defaults);
      }
    }
    session.close();
  });
});
