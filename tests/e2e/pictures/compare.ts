/** Whether two pictures show the same, though another machine may draw letters a little otherwise. */

/** Red, green, blue and opacity of each pixel, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/**
 * How far a channel of a pixel may be off, of 255, and which share of the pixels may be further. Pixels are averaged over squares of `blur`
 * pixels first, and held against what lies up to `reach` pixels around their place: letters may be drawn softer, and stand a pixel further.
 * A line, a word or a color that is another one is off by far more.
 */
export const tolerance = { blur: 5, reach: 2, channel: 24, share: 0.0004 } as const;

/** Each channel's sum over a square around each pixel, edges repeated; three numbers a pixel, row by row. */
function blurred({ width, height, data }: Picture): Int32Array {
  const half = tolerance.blur >> 1;
  const rows = new Int32Array(3 * width * height);
  const sums = new Int32Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let c = 0; c < 3; c++) {
      const [source, target] = [4 * y * width + c, 3 * y * width + c];
      let sum = 0;
      for (let i = -half; i < half; i++) sum += data[source + 4 * Math.max(0, i)]!;
      for (let x = 0; x < width; x++) {
        sum += data[source + 4 * Math.min(width - 1, x + half)]!;
        rows[target + 3 * x] = sum;
        sum -= data[source + 4 * Math.max(0, x - half)]!;
      }
    }
  const row = 3 * width;
  for (let i = 0; i < row; i++) {
    let sum = 0;
    for (let j = -half; j < half; j++) sum += rows[i + row * Math.max(0, j)]!;
    for (let y = 0; y < height; y++) {
      sum += rows[i + row * Math.min(height - 1, y + half)]!;
      sums[i + row * y] = sum;
      sum -= rows[i + row * Math.max(0, y - half)]!;
    }
  }
  return sums;
}

/** Which pixels differ; undefined where the pictures are not of one size. */
export function differing(a: Picture, b: Picture): { readonly share: number; readonly where: Uint8Array } | undefined {
  const { width, height } = a;
  if (width !== b.width || height !== b.height) return undefined;
  const [p, q] = [blurred(a), blurred(b)];
  const { reach } = tolerance;
  const limit = tolerance.channel * tolerance.blur ** 2;
  const isOff = (one: Int32Array, i: number, other: Int32Array, j: number): boolean =>
    Math.abs(one[i]! - other[j]!) > limit ||
    Math.abs(one[i + 1]! - other[j + 1]!) > limit ||
    Math.abs(one[i + 2]! - other[j + 2]!) > limit;
  /** Whether a pixel of one picture has its like near the same place of the other. */
  function isFound(x: number, y: number, one: Int32Array, other: Int32Array): boolean {
    const i = 3 * (y * width + x);
    for (let v = Math.max(0, y - reach); v <= Math.min(height - 1, y + reach); v++)
      for (let u = Math.max(0, x - reach); u <= Math.min(width - 1, x + reach); u++)
        if (!isOff(one, i, other, 3 * (v * width + u))) return true;
    return false;
  }
  const where = new Uint8Array(width * height);
  let count = 0;
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      if (!isOff(p, 3 * i, q, 3 * i) || (isFound(x, y, p, q) && isFound(x, y, q, p))) continue;
      where[i] = 1;
      count++;
    }
  return { share: count / where.length, where };
}

/** A picture, paled, with what differs in red. */
export function marked({ width, height, data }: Picture, where: Uint8Array): Picture {
  const shown = new Uint8Array(data.length);
  for (let i = 0; i < where.length; i++)
    for (let c = 0; c < 4; c++)
      shown[4 * i + c] = c === 3 ? 255 : where[i] ? (c === 0 ? 220 : 0) : 170 + data[4 * i + c]! / 3;
  return { width, height, data: shown };
}
