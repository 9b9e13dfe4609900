import { describe, expect, it } from 'vitest';
import { differing, marked, type Picture, tolerance } from './compare.ts';

type Paint = (x: number, y: number) => readonly [number, number, number];
const [width, height] = [240, 160];

function picture(paint: Paint): Picture {
  const data = new Uint8Array(4 * width * height);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) data.set([...paint(x, y), 255], 4 * (y * width + x));
  return { width, height, data };
}

const white = [255, 255, 255] as const;
/** Strokes as of a line of text at a height, `dx` further, with an ink. */
const text =
  (top: number, dx = 0, ink = 30): Paint =>
  (x, y) =>
    y >= top && y < top + 9 && x > 20 && x < 200 && (x - dx + 3 * (y % 2)) % 5 < 2 ? [ink, ink, ink] : white;
const over =
  (...paints: readonly Paint[]): Paint =>
  (x, y) =>
    paints.map((paint) => paint(x, y)).find((color) => color.some((c) => c < 255)) ?? white;
const rectangle =
  (left: number, top: number, w: number, h: number, color: readonly [number, number, number]): Paint =>
  (x, y) =>
    x >= left && x < left + w && y >= top && y < top + h ? color : white;

const page = over(text(20), text(40), rectangle(20, 80, 60, 24, [11, 92, 173]));
const share = (paint: Paint): number => differing(picture(page), picture(paint))!.share;

describe('two pictures', () => {
  it('are alike where letters are drawn a little softer, or a pixel further', () => {
    expect(share(page)).toBe(0);
    const softer = over(text(20, 0, 55), text(40, 0, 50), rectangle(20, 80, 60, 24, [14, 95, 170]));
    const further = over(text(20, 1), text(41), rectangle(21, 80, 60, 24, [11, 92, 173]));
    for (const paint of [softer, further]) expect(share(paint)).toBeLessThanOrEqual(tolerance.share);
  });

  it.each<[string, Paint]>([
    ['a line of text less', over(text(20), rectangle(20, 80, 60, 24, [11, 92, 173]))],
    ['a line of text lower by six pixels', over(text(20), text(46), rectangle(20, 80, 60, 24, [11, 92, 173]))],
    ['another color', over(text(20), text(40), rectangle(20, 80, 60, 24, [179, 38, 30]))],
    ['a button that is wider', over(text(20), text(40), rectangle(20, 80, 68, 24, [11, 92, 173]))],
    ['a curve of two pixels', over(page, (x, y) => (Math.abs(y - 120 - 10 * Math.sin(x / 20)) < 1 ? [0, 114, 178] : white))], // prettier-ignore
  ])('differ by %s', (_, paint) => {
    expect(share(paint)).toBeGreaterThan(tolerance.share);
  });

  it('differ by their size, and what differs is marked red', () => {
    const other = { width: 1, height: 1, data: new Uint8Array(4) };
    expect(differing(picture(page), other)).toBeUndefined();
    const { where } = differing(picture(page), picture(text(20)))!;
    const red = marked(picture(page), where).data.subarray(4 * (90 * width + 40));
    expect([...red.subarray(0, 3)]).toEqual([220, 0, 0]);
  });
});
