import type { CpuDevice } from '../devices/cpu/device.ts';
import { callCost } from '../program/cost.ts';
import type { OpSpec } from '../program/declare.ts';
import { headCrossEntropyGrad, linear, linearBackward } from '../program/ops/index.ts';
import { plan } from '../program/planner.ts';
import { Recorder } from '../program/recorder.ts';
import type { Buffer, DType } from '../program/types.ts';
import { median } from './median.ts';

export interface ProductResult {
  readonly name: string;
  readonly shape: string;
  readonly flops: number;
  /** Median over the repetitions. */
  readonly seconds: number;
}

interface Product {
  readonly name: string;
  readonly op: OpSpec;
  readonly args: Record<string, Buffer>;
  readonly attrs?: Record<string, number>;
}

const tensor = (name: string, shape: number[], dtype: DType = 'f32'): Buffer => ({ name, shape, dtype, role: 'input' });

const noZeros = { zeroFrom: 0, zeroTo: 0 };

/** The matrix products of one GPT-2 124M layer, forward and backward, and its output head. */
function products(rows: number): Product[] {
  const layers = [
    [768, 2304],
    [768, 768],
    [768, 3072],
    [3072, 768],
  ] as const;
  const ofLayers = layers.flatMap(([from, to]): Product[] => {
    const x = tensor('x', [rows, from]);
    const y = tensor('y', [rows, to]);
    const w = tensor('w', [from, to]);
    return [
      { name: 'forward', op: linear, args: { x, w, b: tensor('b', [to]), y }, attrs: noZeros },
      { name: 'backward to input', op: linearBackward.input, args: { dy: y, w, dx: tensor('dx', [rows, from]) } },
      {
        name: 'backward to weight',
        op: linearBackward.weight,
        args: { x, dy: y, dw: tensor('dw', [from, to]) },
        attrs: noZeros,
      },
    ];
  });
  const [vocab, width] = [50257, 768];
  const wte = (name: string) => tensor(name, [Math.ceil(vocab / 64) * 64, width]);
  const headArgs = {
    x: tensor('x', [rows, width]),
    wte: wte('wte'),
    targets: tensor('targets', [rows], 'i32'),
    scalars: tensor('scalars', [8]),
    losses: tensor('losses', [rows]),
    dx: tensor('dx', [rows, width]),
    dwte: wte('dwte'),
  };
  const head: Product = {
    name: 'head, loss and gradients',
    op: headCrossEntropyGrad,
    args: headArgs,
    attrs: { vocab },
  };
  return [...ofLayers, head];
}

/** Times every matrix product of GPT-2 124M on `rows` tokens, warm, one by one. */
export async function benchProducts(device: CpuDevice, rows: number, repetitions: number): Promise<ProductResult[]> {
  const results: ProductResult[] = [];
  for (const { name, op, args, attrs } of products(rows)) {
    const r = new Recorder();
    r.emit(op, args, attrs ?? {});
    const program = r.program(name);
    const session = await device.load([program], plan([program]));
    for (const b of Object.values(args)) {
      if (b.dtype === 'f32')
        session.write(b, Float32Array.from({ length: b.shape.reduce((a, n) => a * n, 1) }, pseudoRandom));
    }
    const times: number[] = [];
    for (let i = 0; i < repetitions + 2; i++) {
      const seconds = new Float64Array(1);
      await session.run(program, seconds);
      if (i >= 2) times.push(seconds[0]!);
    }
    session.close();
    const { in: from, out: to, width } = program.calls[0]!.dims;
    const shape = from ? `${rows} × ${from} × ${to}` : `${rows} × ${width} × ${attrs!.vocab}`;
    results.push({ name, shape, flops: callCost(program.calls[0]!).flops, seconds: median(times) });
  }
  return results;
}

/** Some value in [-0.5, 0.5): what is multiplied does not matter, that it is no denormal number does. */
const pseudoRandom = (_: unknown, i: number): number => ((i * 2654435761) % 4096) / 4096 - 0.5;
