import type { Chart } from 'chart.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotationsOf, labelHeight } from '../../../renderer/charts/annotations.ts';
import { bandsOf, gapsOf, plotted, positive, ringsOf, trianglesOf } from '../../../renderer/charts/drawing.ts';
import { clustersOf, type Marker, markersOf } from '../../../renderer/charts/markers.ts';
import { scaledRange, shiftedRange } from '../../../renderer/charts/pipeline/index.ts';

const evals = {
  key: 'valLoss',
  label: 'Validation loss',
  color: '#000000',
  sparse: true,
  line: { x: [0, 50, 100], y: [5, 3, 4] },
};
const colors = { band: '#eee', text: '#000', marker: () => '#f00' };

it('draws dots at the edges of a whole picture as a whole, and ends lines at the edges of a part', () => {
  const [dots, ...rest] = plotted([evals], true);
  expect(rest).toEqual([]);
  const radius = dots!.pointRadius as number;
  expect(radius).toBeGreaterThan(0);
  const { left, right } = dots!.clip as { left: number; right: number };
  expect(Math.min(left, right)).toBeGreaterThan(radius);
  for (const { clip } of plotted([evals])) expect(clip).toBeUndefined();
});

it('draws a dot where a point has no neighbor to be joined to, and looks no point of a line up by itself', () => {
  const line = { x: [1, 2, 3, 4, 5, 6], y: [9, Number.NaN, 7, 6, Number.NaN, 4] };
  const [joined, lone, ...rest] = plotted([{ ...evals, sparse: false, line }]);
  expect(rest).toEqual([]);
  expect(joined).toMatchObject({ pointRadius: 0 });
  expect(joined!.data).toHaveLength(6);
  expect(lone).toMatchObject({ showLine: false, data: [1, 6].map((x) => ({ x, y: x === 1 ? 9 : 4 })) });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.double(), fc.constant(Number.NaN)), { maxLength: 30 }),
      fc.boolean(),
      (y, sparse) => {
        const plots = [{ ...evals, sparse, line: { x: y.map((_, i) => i), y } }];
        for (const dataset of [...plotted(plots), ...bandsOf(plots), ...trianglesOf(plots, { min: 0, max: 1 })])
          for (const [option, value] of Object.entries(dataset))
            if (/^point|^radius|Radius$/.test(option)) expect(typeof value, option).not.toBe('object');
      },
    ),
  );
});

it('draws what was measured behind its moving average, and a band where it stands for many values', () => {
  const line = { x: [1, 2, 3, 4], y: [4, 1, 3, 2] };
  const smoothed = { x: [1, 2, 3, 4], y: [4, 3, 3, 2.5] };
  const [raw, average] = plotted([{ ...evals, sparse: false, line, smoothed }]);
  // Of two, Chart.js draws the one with the larger order first.
  expect(raw!.order!).toBeGreaterThan(average!.order!);
  expect(bandsOf([{ ...evals, line, smoothed }])).toEqual([]);
  const [high, low] = bandsOf([{ ...evals, line, smoothed, thinned: true }]);
  expect(low!.fill).toBe('-1');
  for (const [i, { x, y }] of high!.data.entries()) {
    expect(low!.data[i]!.x).toBe(x);
    expect(low!.data[i]!.y).toBeLessThanOrEqual(y);
  }
});

it('rings the best value, and puts triangles within the picture where values are no numbers', () => {
  expect(ringsOf([evals], '#fff')).toEqual([]);
  expect(ringsOf([{ ...evals, best: 50 }], '#fff')[0]!.data).toEqual([{ x: 50, y: 3 }]);
  const line = { x: [1, 2, 3, 4, 5], y: [Number.NaN, 2, Number.NaN, 90, Number.NaN] };
  expect(gapsOf(line).map(({ y }) => y)).toEqual([Number.NaN, 2, 90]);
  expect(trianglesOf([{ ...evals, line }], { min: 0, max: 10 })[0]!.data).toEqual([
    { x: 1, y: 10 },
    { x: 3, y: 2 },
    { x: 5, y: 10 },
  ]);
  expect(positive({ x: [1, 2], y: [-1, 1] }).y).toEqual([Number.NaN, 1]);
});

it('writes the labels of phases above the picture, where no point is, and where they fit', () => {
  const bands = [
    { from: 0, to: 10, label: 'warm-up', odd: false },
    { from: 10, to: 400, label: 'cosine', odd: true },
  ];
  const boxes = annotationsOf(bands, [], { min: 100, max: 300 }, colors);
  // What ends before the part that is seen is not there, and the rest ends at its edges.
  expect(boxes).toMatchObject([{ type: 'box', xMin: 100, xMax: 300, label: { content: 'cosine' } }]);
  const { label } = boxes[0] as { label: { yAdjust: number; display: (context: { chart: Chart }) => boolean } };
  expect(label.yAdjust).toBe(-labelHeight);
  const chartOf = (pixels: number) =>
    ({
      ctx: { save() {}, restore() {}, measureText: () => ({ width: 40 }) },
      scales: { x: { getPixelForValue: (x: number) => x * (pixels / 200) } },
    }) as unknown as Chart;
  expect(label.display({ chart: chartOf(200) })).toBe(true);
  expect(label.display({ chart: chartOf(30) })).toBe(false);
});

describe('events', () => {
  const times = { x: [1, 2, 3], y: [1000, 2000, 3000] };
  const event = (kind: string, step: number | null, time = 0) => ({ kind, step, time, message: `${kind}!` });

  it('stand at their steps, or at the last step before their time', () => {
    const markers = markersOf(
      [
        event('started', 0),
        event('started', 7),
        event('skip', 3),
        event('stopped', null, 2500),
        event('completed', null, 10),
        event('something', 4),
      ],
      times,
    );
    expect(markers.map(({ kind, x, label }) => [kind, x, label])).toEqual([
      ['start', 0, 'started!'],
      ['resume', 7, 'started!'],
      ['skip', 3, 'skip!'],
      ['pause', 2, 'stopped!'],
    ]);
  });

  it('have a line where they change how a run trains, and only where they are seen', () => {
    const markers = markersOf([event('optimizer', 3), event('recovery', 9), event('phase', 2)], times);
    expect(annotationsOf([], markers, { min: 1, max: 5 }, colors)).toMatchObject([{ type: 'line', value: 3 }]);
  });

  it('are one where they would lie over each other, and lose none', () => {
    const markers = [5, 1, 2, 90, 300].map((x): Marker => ({ x, kind: 'skip', label: String(x) }));
    const clusters = clustersOf(markers, (x) => x, { left: 0, right: 200 }, 20);
    expect(clusters.map(({ at, markers: all }) => [at, all.map(({ x }) => x)])).toEqual([
      [1, [1, 2, 5]],
      [90, [90]],
    ]);
  });
});

it('scales and moves a range around what is looked at, on any axis', () => {
  expect(scaledRange({ min: 0, max: 100 }, 0.5, 20)).toEqual({ min: 10, max: 60 });
  const log = scaledRange({ min: 1, max: 100 }, 0.5, 10, true);
  expect(log.min).toBeCloseTo(Math.sqrt(10));
  expect(log.max).toBeCloseTo(10 * Math.sqrt(10));
  expect(shiftedRange({ min: 10, max: 20 }, -0.5)).toEqual({ min: 5, max: 15 });
  const shifted = shiftedRange({ min: 1, max: 100 }, 0.5, true);
  expect([shifted.min, shifted.max].map((v) => Math.round(v))).toEqual([10, 1000]);
});
