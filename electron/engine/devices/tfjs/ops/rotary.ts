import type { Handler } from '../handler.ts';

const rotaryTable: Handler = ({ tf, arg, dims, attrs }) => {
  const { count, time, headDim } = dims as { count: number; time: number; headDim: number };
  const positions = arg('positions').dataSync();
  const half = headDim / 2;
  const table = new Float32Array(time * headDim);
  for (let t = 0; t < time; t++) {
    const position = count === time ? positions[t]! : positions[0]! + t;
    for (let i = 0; i < half; i++) {
      const angle = position * attrs.base! ** ((-2 * i) / headDim);
      table[t * headDim + i] = Math.cos(angle);
      table[t * headDim + half + i] = Math.sin(angle);
    }
  }
  return { table: tf.tensor(table, [time, headDim]) };
};

const rotary: Handler = ({ tf, arg, dims, attrs }) => {
  const { batch, time, headDim } = dims as { batch: number; time: number; headDim: number };
  const heads = attrs.heads!;
  const x = arg('x');
  const [a, b] = x
    .slice([0, 0], [-1, heads * headDim])
    .reshape([batch, time, heads, headDim])
    .split(2, -1);
  const [cos, sin] = arg('table').reshape([1, time, 1, headDim]).split(2, -1);
  const turn = attrs.inverse ? sin!.neg() : sin!;
  const turned = tf.concat([a!.mul(cos!).sub(b!.mul(turn)), b!.mul(cos!).add(a!.mul(turn))], -1);
  return { x: tf.concat([turned.reshape([batch * time, heads * headDim]), x.slice([0, heads * headDim])], 1) };
};

export const rotaryHandlers = { rotary, rotaryTable };
