import { defineOp, read, update, write } from '../declare.ts';

/** Elements whose squares are summed together: fixed, so that bits don't depend on threads. */
export const squaresPerChunk = 65536;

/** The squared Frobenius norm of one parameter's gradient. */
export const squaredSum = defineOp({
  kind: 'squaredSum',
  formula: 'squares[index] = Σ g²',
  args: { g: read('~elements'), squares: update('tensors') },
  attrs: ['index'],
  check: (d, { index }) =>
    index! >= 0 && index! < d.tensors! ? undefined : `index ${index} is not below ${d.tensors}`,
  multipliesMatrices: false,
  flops: (d) => 2 * d.elements!,
  workspace: (d) => Math.ceil(d.elements! / squaresPerChunk),
});

/**
 * The global gradient norm after unscaling, and the factor that unscales and clips (as torch.nn.utils.clip_grad_norm_).
 * stats = [gradNorm, factor, 1 if the norm is not finite else 0, unused].
 */
export const clipFactor = defineOp({
  kind: 'clipFactor',
  formula: 'gradNorm = √(Σ squares) / lossScale, factor = min(1, maxNorm / (gradNorm + 1e-6)) / lossScale',
  args: { squares: read('tensors'), scalars: read('8'), stats: write('4') },
  attrs: ['maxNorm'],
  multipliesMatrices: false,
  flops: (d) => d.tensors!,
});

/** What differs from what it should be. */
function countsOf(counts: Readonly<Record<string, readonly [actual: number, expected: number]>>): string | undefined {
  const wrong = Object.entries(counts).find(([, [actual, expected]]) => actual !== expected);
  return wrong && `${wrong[0]} is ${wrong[1][0]}, not ${wrong[1][1]}`;
}

const adamwAttrs = ['beta1', 'beta2', 'eps', 'weightDecay'] as const;

/** AdamW (Loshchilov & Hutter 2019), as torch.optim.AdamW. Does nothing in a step whose gradient is not finite. */
export const adamw = defineOp({
  kind: 'adamw',
  formula: 'p -= lr·wd·p; m, v; p -= lr · m̂ / (√v̂ + eps)',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    m: update('~elements'),
    v: update('~elements'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs],
  multipliesMatrices: false,
  flops: (d) => 14 * d.elements!,
});

/**
 * AdamW with 8-bit moments (Dettmers et al. 2022): codes of the dynamic maps, a scale for each block of 256 elements.
 * The update uses the exact new moments; only what is kept is rounded. With `root` 1 codes and scales of the second moment are
 * those of its square root, which is what a step divides by: they reach twice as many decades down, and round it less.
 */
export const adamw8bit = defineOp({
  kind: 'adamw8bit',
  formula: 'p, m, v as adamw; m ≈ map[mCodes]·mScale, v ≈ map[vCodes]·vScale or its square',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    mCodes: update('~elements', 'u8'),
    mScale: update('blocks'),
    vCodes: update('~elements', 'u8'),
    vScale: update('blocks'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs, 'root'],
  check: (d, { root }) =>
    root === 0 || root === 1
      ? countsOf({ blocks: [d.blocks!, Math.ceil(d.elements! / 256)] })
      : `root is ${root}, not 0 or 1`,
  multipliesMatrices: false,
  flops: (d) => 24 * d.elements!,
});

/** Chunks of rows in which column maxima are taken: kRankOneChunks of the native kernels. */
const rankOneChunks = 64;

/**
 * AdamW with 4-bit moments (Li, Chen & Zhu 2023): two codes a byte. m has a scale for each block of 128 elements; so has v
 * of a vector (`rows` 0). v of a matrix of `rows` rows has one for each row and, behind them, one for each column: the
 * smaller one counts.
 */
export const adamw4bit = defineOp({
  kind: 'adamw4bit',
  formula: 'p, m, v as adamw; m ≈ map[mCodes]·mScale, v ≈ map[vCodes]·min(row scale, column scale)',
  args: {
    p: update('~elements'),
    g: read('~elements'),
    mCodes: update('bytes', 'u8'),
    mScale: update('blocks'),
    vCodes: update('bytes', 'u8'),
    vScale: update('scales'),
    stats: read('4'),
    scalars: read('8'),
  },
  attrs: [...adamwAttrs, 'rows'],
  check(d, { rows }) {
    const [n, blocks] = [d.elements!, Math.ceil(d.elements! / 128)];
    if (rows! > 0 && n % rows! !== 0) return `${rows} rows do not divide ${n} elements`;
    const scales = rows! > 0 ? rows! + n / rows! : blocks;
    return countsOf({ bytes: [d.bytes!, Math.ceil(n / 2)], blocks: [d.blocks!, blocks], scales: [d.scales!, scales] });
  },
  multipliesMatrices: false,
  flops: (d) => 30 * d.elements!,
  workspace: (d, { rows }) => (rows! > 0 ? d.scales! + rankOneChunks * (d.scales! - rows!) : 0),
});

const moments = (access: typeof read, name: (part: string) => string) => ({
  [name('MCodes')]: access('elements', 'u8'),
  [name('MScale')]: access('blocks'),
  [name('VCodes')]: access('elements', 'u8'),
  [name('VScale')]: access('blocks'),
});
const onHost = (part: string) => `host${part}`;
const inWindow = (part: string) => `${part[0]!.toLowerCase()}${part.slice(1)}`;

/** Brings the 8-bit moments of one parameter from host memory into a window of the device. */
export const pageIn = defineOp({
  kind: 'pageIn',
  formula: 'window = host',
  args: { ...moments(read, onHost), ...moments(write, inWindow) },
  attrs: [],
  check: (d) => countsOf({ blocks: [d.blocks!, Math.ceil(d.elements! / 256)] }),
  multipliesMatrices: false,
  flops: () => 0,
});

/** Takes a window's moments back to host memory. */
export const pageOut = defineOp({
  kind: 'pageOut',
  formula: 'host = window',
  args: { ...moments(write, onHost), ...moments(read, inWindow) },
  attrs: [],
  check: (d) => countsOf({ blocks: [d.blocks!, Math.ceil(d.elements! / 256)] }),
  multipliesMatrices: false,
  flops: () => 0,
});
