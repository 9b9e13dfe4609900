import type { Device } from '../devices/device.ts';
import { isHalf, toHalves } from '../../base/halves.ts';
import { callCost } from '../program/cost.ts';
import type { OpSpec } from '../program/declare.ts';
import { headCrossEntropyGrad, linear, linearBackwardInput, linearBackwardWeight } from '../ops/index.ts';
import { plan } from '../program/planner.ts';
import { Recorder } from '../program/recorder.ts';
import { type Buffer, type DType, elements, type Precision } from '../program/types.ts';
import { median } from './median.ts';

export interface ProductResult {
  readonly name: string;
  readonly precision: Precision;
  readonly shape: string;
  readonly flops: number;
  /** Median over the rounds. */
  readonly seconds: number;
}

interface Product {
  readonly name: string;
  readonly op: OpSpec;
  readonly args: Record<string, Buffer>;
  readonly attrs: Record<string, number>;
}

const tensor = (name: string, shape: number[], dtype: DType = 'f32'): Buffer => ({ name, shape, dtype, role: 'input' });

const noZeros = { zeroFrom: 0, zeroTo: 0 };

/** The matrix products of one GPT-2 124M layer, forward and backward, and its output head. */
function products(rows: number, precision: Precision): Product[] {
  const real = (name: string, shape: number[]) => tensor(name, shape, precision);
  const layers = [
    [768, 2304],
    [768, 768],
    [768, 3072],
    [3072, 768],
  ] as const;
  const ofLayers = layers.flatMap(([from, to]): Product[] => {
    const x = real('x', [rows, from]);
    const y = real('y', [rows, to]);
    const w = real('w', [from, to]);
    return [
      { name: 'forward', op: linear, args: { x, w, b: tensor('b', [to]), y }, attrs: noZeros },
      {
        name: 'backward to input',
        op: linearBackwardInput,
        args: { dy: y, w, dx: real('dx', [rows, from]) },
        attrs: {},
      },
      {
        name: 'backward to weight',
        op: linearBackwardWeight,
        args: { x, dy: y, dw: tensor('dw', [from, to]) },
        attrs: noZeros,
      },
    ];
  });
  const [vocab, width] = [50257, 768];
  const wteShape = [Math.ceil(vocab / 64) * 64, width];
  const headArgs = {
    x: real('x', [rows, width]),
    wte: real('wte', wteShape),
    targets: tensor('targets', [rows], 'i32'),
    scalars: tensor('scalars', [8]),
    losses: tensor('losses', [rows]),
    dx: real('dx', [rows, width]),
    dwte: tensor('dwte', wteShape),
  };
  const head: Product = {
    name: 'head, loss and gradients',
    op: headCrossEntropyGrad,
    args: headArgs,
    attrs: { vocab },
  };
  return [...ofLayers, head];
}

/**
 * Times every matrix product of GPT-2 124M on `rows` tokens, warm. They take turns, so that a moment in which the machine
 * is busy with something else falls on all of them alike; the median over the rounds counts.
 */
export async function benchProducts(
  device: Device,
  rows: number,
  rounds: number,
  precisions: readonly Precision[],
): Promise<ProductResult[]> {
  const ready = [];
  try {
    // What precisions are compared by is measured one right after another.
    const all = precisions.map((precision) => products(rows, precision));
    for (const i of all[0]!.keys()) for (const of of all) ready.push(await prepare(device, of[i]!));
    for (let round = -warmUps; round < rounds; round++) {
      for (const { session, program, times } of ready) {
        const seconds = new Float64Array(1);
        await session.run(program, seconds);
        if (round >= 0) times.push(seconds[0]!);
      }
    }
  } finally {
    for (const { session } of ready) session.close();
  }
  return ready.map(({ product, program, times }) => {
    const call = program.calls[0]!;
    const { in: from, out: to, width } = call.dims;
    const shape = from ? `${rows} × ${from} × ${to}` : `${rows} × ${width} × ${product.attrs.vocab}`;
    return {
      name: product.name,
      precision: call.precision,
      shape,
      flops: callCost(call).flops,
      seconds: median(times),
    };
  });
}

const warmUps = 2;

async function prepare(device: Device, product: Product) {
  const r = new Recorder();
  r.emit(product.op, product.args, product.attrs);
  const program = r.program(product.name);
  const session = await device.load([program], plan([program]));
  for (const b of Object.values(product.args)) {
    const values = Float32Array.from({ length: elements(b.shape) }, pseudoRandom);
    if (b.dtype === 'f32') session.write(b, values);
    else if (isHalf(b.dtype)) session.write(b, toHalves(values, b.dtype));
  }
  return { product, program, session, times: [] as number[] };
}

/** Some value in [-0.5, 0.5): what is multiplied does not matter, that it is no denormal number does. */
const pseudoRandom = (_: unknown, i: number): number => ((i * 2654435761) % 4096) / 4096 - 0.5;
