import { type Dims, defineOp, read, update, write } from '../program/declare.ts';
import { gpuMaxHeadDim, tooWide } from './attention.ts';

const checkEven = ({ headDim }: Dims): string | undefined =>
  headDim! % 2 === 0 ? undefined : `heads that are turned have an even width, not ${headDim}`;

/**
 * Cosines and sines of rotary positions (Su et al. 2021), once for all layers: of each position those of the angles
 * position · base^(-2i/headDim), first all cosines, then all sines. `positions` holds that of the first row, or of each.
 */
export const rotaryTable = defineOp({
  kind: 'rotaryTable',
  formula: 'table[t] = cos(positions · base^(-2i/headDim)), sin(…)',
  args: { positions: read('count', 'i32'), table: write('time headDim') },
  attrs: ['base'],
  check(d, { base }) {
    if (d.count !== 1 && d.count !== d.time) return `${d.count} positions are given for ${d.time} rows`;
    return base! > 1 ? checkEven(d) : `the base of the angles is ${base}, and must be above 1`;
  },
  multipliesMatrices: false,
  flops: (d) => d.time! * d.headDim!,
  limits: { gpu: ({ dims }) => tooWide(dims.headDim!, gpuMaxHeadDim) },
});

/**
 * Turns the first `heads` heads of each row, in place: element i of a head with element i + headDim/2, as Hugging Face's
 * models do it. Row r has the position of row r mod time of the table. `inverse` 1 turns back, which is the gradient.
 * Nothing else may read x between the op that writes it and this one, or its gradient from another place.
 */
export const rotary = defineOp({
  kind: 'rotary',
  formula: 'a, b = a cos - b sin, b cos + a sin',
  args: { x: update('batch*time width', 'real'), table: read('time headDim') },
  attrs: ['heads', 'inverse'],
  check(d, { heads, inverse }) {
    if (!(heads! >= 1 && heads! * d.headDim! <= d.width!)) return `${heads} heads do not lie in ${d.width} columns`;
    if (inverse !== 0 && inverse !== 1) return `inverse is ${inverse}, not 0 or 1`;
    return checkEven(d);
  },
  multipliesMatrices: false,
  flops: (d, { heads }) => 3 * d.batch! * d.time! * heads! * d.headDim!,
  gradient(g, { args: { x, table }, attrs }) {
    g.emit(rotary, { x: g.of(x!), table }, { ...attrs, inverse: 1 - attrs.inverse! });
  },
});
