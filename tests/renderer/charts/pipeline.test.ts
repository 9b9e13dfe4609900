import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { colorInOrder } from '../../../renderer/charts/colors.ts';
import { summary, toCsv } from '../../../renderer/charts/export.ts';
import {
  axisOf,
  decimate,
  envelope,
  interpolate,
  type Line,
  linearTicks,
  logRangeOf,
  logTicks,
  nextX,
  onAxis,
  outside,
  partition,
  rangeOf,
  readingsAt,
  refine,
  smooth,
  spacingOf,
  stepsWithin,
  tableRows,
  trainingHours,
  within,
  zoomRange,
} from '../../../renderer/charts/pipeline/index.ts';

const line = (y: number[], x = y.map((_, i) => i)): Line => ({ x, y });
const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
const rising = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.oneof(value, fc.constant(Number.NaN))), {
    minLength: 1,
    maxLength: 3000,
  })
  .map((steps): Line => {
    let at = 0;
    return { x: steps.map(([by]) => (at += by)), y: steps.map(([, y]) => y) };
  });

describe('partition', () => {
  it('cuts where the past was taken back, and loses nothing', () => {
    expect(partition(line([5, 4, 3, 9, 8], [0, 1, 2, 1, 2]))).toEqual([line([5, 4, 3]), line([9, 8], [1, 2])]);
    expect(partition({ x: [], y: [] })).toEqual([]);
  });
});

describe('smoothing', () => {
  it('is the debiased moving average, worked out by hand', () => {
    // With weight 0.5: 4; (0.5·(0.5·4) + 0.5·8) / 0.75 = 20/3; (0.25·2 + 0.25·8 + 0.5·2)/0.875.
    const { y } = smooth(line([4, 8, 2]), 0.5);
    expect(y[0]).toBeCloseTo(4, 12);
    expect(y[1]).toBeCloseTo(20 / 3, 12);
    expect(y[2]).toBeCloseTo((0.125 * 4 + 0.25 * 8 + 0.5 * 2) / 0.875, 12);
  });

  it('leaves a constant as it is from the first point on, and is nothing at weight 0', () => {
    for (const v of smooth(line(new Array<number>(50).fill(3.5)), 0.97).y) expect(v).toBeCloseTo(3.5, 10);
    expect(smooth(line([1, 5, 2]), 0).y).toEqual([1, 5, 2]);
  });

  it('passes NaN through and goes on as if it had not been', () => {
    const { y } = smooth(line([4, Number.NaN, 8]), 0.5);
    expect(y[1]).toBeNaN();
    expect(y[2]).toBeGreaterThan(4);
    expect(y[2]).toBeLessThan(8);
  });

  it('is the same curve however finely a part of it is known', () => {
    const all = line(Array.from({ length: 1024 }, (_, i) => 2 + 5 * Math.exp(-i / 200)));
    const mean = (from: number) => all.y.slice(from, from + 16).reduce((a, b) => a + b) / 16;
    const coarse = {
      x: Array.from({ length: 64 }, (_, i) => 16 * i + 7.5),
      y: Array.from({ length: 64 }, (_, i) => mean(16 * i)),
    };
    // The last 256 steps one by one behind means of sixteen, as a live run has them.
    const mixed = {
      x: [...coarse.x.slice(0, 48), ...all.x.slice(768)],
      y: [...coarse.y.slice(0, 48), ...all.y.slice(768)],
    };
    const [a, b] = [smooth(coarse, 0.9, 16).y.at(-1)!, smooth(mixed, 0.9, 16).y.at(-1)!];
    expect(Math.abs(a / b - 1)).toBeLessThan(0.01);
  });

  it('stays between the least and the greatest value', () => {
    fc.assert(
      fc.property(rising, fc.double({ min: 0, max: 0.99, noNaN: true }), (l, weight) => {
        const good = l.y.filter((v) => !Number.isNaN(v));
        const [low, high] = [Math.min(...good), Math.max(...good)];
        for (const v of smooth(l, weight).y)
          if (!Number.isNaN(v)) expect(v >= low - 1e-6 && v <= high + 1e-6).toBe(true);
      }),
      { numRuns: 50 },
    );
  });

  it('forgets by distance: every fourth point at four times the distance ends about where all points do', () => {
    const all = line(Array.from({ length: 400 }, (_, i) => 5 * Math.exp(-i / 80)));
    const fourth = { x: all.x.filter((x) => x % 4 === 3), y: all.y.filter((_, i) => i % 4 === 3) };
    const [a, b] = [smooth(all, 0.9).y.at(-1)!, smooth(fourth, 0.9).y.at(-1)!];
    expect(Math.abs(a / b - 1)).toBeLessThan(0.1);
    expect(Math.abs(a / smooth(fourth, 0.9, 4).y.at(-1)! - 1)).toBeGreaterThan(0.2);
  });

  it('keeps its weight from one point to the next of what is measured every few seconds', () => {
    const dense = { x: [1, 2, 3, 5, 6, 7], y: [1, 2, 3, 4, 5, 6] };
    expect(spacingOf(dense, 1)).toBe(1);
    expect(spacingOf(dense, 16)).toBe(16);
    expect(spacingOf({ x: [7], y: [1] }, 4)).toBe(4);
    expect(spacingOf({ x: [], y: [] }, 1)).toBe(1);
    // A pause and a slow step between others of a hundred.
    const sparse = { x: [100, 200, 302, 400, 950, 1050], y: [4, 8, 2, 2, 2, 2] };
    const spacing = spacingOf(sparse, 1);
    expect(spacing).toBe(100);
    expect(smooth(sparse, 0.5, spacing).y[1]).toBeCloseTo(20 / 3, 12);
    expect(smooth(sparse, 0.5, 1).y[1]).toBeCloseTo(8, 12);
  });
});

describe('axes', () => {
  const scale = { tokensPerStep: 1000, times: { x: [1, 2, 3, 4], y: [0, 1000, 3_600_000 + 1000, 3_600_000 + 2000] } };

  it('turn steps into tokens, and into hours in which pauses do not count', () => {
    expect(onAxis(line([9, 8], [1, 3]), 'tokens', scale).x).toEqual([1000, 3000]);
    const hours = trainingHours(scale.times);
    expect(hours.y.map((h) => h * 3600)).toEqual([0, 1, 1, 2]);
    expect(onAxis(line([1], [4]), 'time', scale).x[0]! * 3600).toBeCloseTo(2, 9);
    expect(onAxis(line([1, 2], [1, 2]), 'step', scale).x).toEqual([1, 2]);
  });

  it('lie between their points in proportion, and end where those end', () => {
    const l = line([10, 20, 40], [0, 10, 20]);
    expect([-5, 0, 5, 10, 15, 99].map((x) => interpolate(l, x))).toEqual([10, 10, 15, 20, 30, 40]);
    expect(interpolate({ x: [], y: [] }, 1)).toBeNaN();
  });
});

describe('ranges', () => {
  it('are not pressed flat by a spike, and show it on demand', () => {
    const y = Array.from({ length: 100 }, (_, i) => 3 - i / 100);
    y[50] = 1e6;
    expect(rangeOf([line(y)], 'cut')!.max).toBeLessThan(5);
    expect(rangeOf([line(y)], 'show')!.max).toBeGreaterThan(1e6);
  });

  it('hold all but the outliers, look at what is visible, and know neither NaN nor infinity', () => {
    const y = [1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY];
    const { min, max } = rangeOf([line(y)], 'show')!;
    expect(min <= 1 && max >= 3 && max < 4).toBe(true);
    expect(rangeOf([line(y)], 'show', { min: 0, max: 1 })!.max).toBeLessThan(2.5);
    expect(rangeOf([line([Number.NaN])], 'cut')).toBeUndefined();
    expect(rangeOf([line([2, 2])], 'cut')).toMatchObject({ min: 1.9, max: 2.1 });
    expect(rangeOf([line([0.001, 0])], 'show')!.min).toBe(0);
  });

  it('on a logarithmic axis are those of the positive values, with as much room above as below', () => {
    const { min, max } = logRangeOf([line([-3, 0, 0.5, 10])], 'show')!;
    expect(min > 0.4 && min <= 0.5 && max >= 10 && max < 12).toBe(true);
    expect(0.5 / min).toBeCloseTo(max / 10, 9);
    expect(logRangeOf([line([-2, 0])], 'show')).toBeUndefined();
  });

  it('hold a few validation losses beside thousands of training losses, and not one that is far out', () => {
    const train = line(Array.from({ length: 5000 }, (_, i) => 1 + 0.3 * Math.sin(i)));
    const evals = [1.4, 1.8, 2.4, 3, 3.5];
    expect(rangeOf([train, line(evals)], 'cut')!.max).toBeGreaterThan(3.5);
    expect(rangeOf([train, line([4])], 'cut')!.max).toBeGreaterThan(4);
    expect(rangeOf([train, line([2, 2, 2, 2, 2, 4])], 'cut')!.max).toBeGreaterThan(4);
    const wild = rangeOf([train, line([...evals, 900])], 'cut')!;
    expect(wild.max > 3.5 && wild.max < 20).toBe(true);
  });

  it('do not blow up what differs in digits that float32 does not have', () => {
    const { min, max } = rangeOf([line([3, 3 + 1e-12, 3 - 1e-12])], 'show')!;
    expect([min, max].map((v) => +v.toFixed(6))).toEqual([2.85, 3.15]);
    expect(rangeOf([line([0, 0])], 'show')).toEqual({ min: 0, max: 0.05 });
    expect(outside([line([1, 2, Number.NaN, 9, -9])], { min: 0, max: 5 })).toBe(2);
  });
});

describe('decimation', () => {
  it('keeps the least and the greatest of all, the first NaN of a bucket, and points in their order', () => {
    fc.assert(
      fc.property(rising, fc.integer({ min: 5, max: 100 }), (l, buckets) => {
        const few = decimate(l, buckets);
        const good = (y: readonly number[]) => y.filter((v) => !Number.isNaN(v));
        if (good(l.y).length > 0) {
          expect(Math.min(...good(few.y))).toBe(Math.min(...good(l.y)));
          expect(Math.max(...good(few.y))).toBe(Math.max(...good(l.y)));
        }
        expect(few.y.some(Number.isNaN)).toBe(l.y.some(Number.isNaN));
        expect(few.x).toEqual([...few.x].sort((a, b) => a - b));
        const at = new Map(l.x.map((x, i) => [x, l.y[i]]));
        few.x.forEach((x, i) => expect(Object.is(at.get(x), few.y[i])).toBe(true));
        expect([few.x[0], few.x.at(-1)]).toEqual([l.x[0], l.x.at(-1)]);
        if (l.x.length > 2 * buckets) expect(few.x.length).toBeLessThanOrEqual(3 * (buckets + 2) + 2);
      }),
      { numRuns: 60 },
    );
  });

  it('does not move points that were drawn when more come, until buckets double', () => {
    const y = Array.from({ length: 4700 }, (_, i) => Math.sin(i * 12.9898) * 100);
    const [before, after] = [decimate(line(y.slice(0, 4200)), 300), decimate(line(y), 300)];
    const kept = before.x.filter((x) => x < 4000);
    expect(after.x.filter((x) => x < 4000)).toEqual(kept);
  });

  it('gives a part with a point beyond each end', () => {
    expect(within(line([0, 1, 2, 3, 4, 5]), 2, 3)).toEqual(line([1, 2, 3, 4], [1, 2, 3, 4]));
    expect(within(line([0, 1]), 5, 9)).toEqual(line([1], [1]));
  });
});

describe('a zoom', () => {
  it('holds two points at least, where there are as many', () => {
    const dense = line(Array.from({ length: 100 }, (_, i) => i));
    const sparse = line([1, 2, 3], [0, 50, 99]);
    expect(zoomRange({ min: 20.5, max: 30 }, [sparse, dense])).toEqual({ min: 20.5, max: 30 });
    expect(zoomRange({ min: 20.1, max: 20.2 }, [sparse, dense])).toEqual({ min: 20, max: 21 });
    expect(zoomRange({ min: 19.9, max: 20.2 }, [sparse, dense])).toEqual({ min: 19, max: 21 });
    expect(zoomRange({ min: 98.5, max: 99 }, [dense])).toEqual({ min: 98, max: 99 });
    expect(zoomRange({ min: 20, max: 21 }, [sparse])).toEqual({ min: 0, max: 50 });
    expect(zoomRange({ min: 20, max: 21 }, [line([1], [20]), line([])])).toEqual({ min: 20, max: 21 });
  });
});

describe('ticks', () => {
  const short = (v: number) => (v >= 1000 ? `${(v / 1000).toPrecision(3)} k` : v.toPrecision(3));

  it('are whole where x is, and different whatever is zoomed into', () => {
    expect(linearTicks({ min: 0, max: 2 }, 8, true)).toEqual([0, 1, 2]);
    expect(linearTicks({ min: 0, max: 1 }, 4)).toEqual([0, 0.5, 1]);
    const range = fc.tuple(fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 1e-9, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(range, fc.boolean(), ([min, span], whole) => {
        const { ticks } = axisOf({ min, max: min + span }, [short, (v) => String(v)], { count: 8, whole });
        expect(new Set(ticks.map((t) => t.label)).size).toBe(ticks.length);
        if (whole) for (const t of ticks) expect(Number.isInteger(t.value)).toBe(true);
        expect(ticks.length).toBeLessThanOrEqual(10);
      }),
    );
  });

  it('alone says what it is, not what it is rounded to', () => {
    const { ticks } = axisOf({ min: 2448.5, max: 2449.5 }, [short, (v) => String(v)], { count: 8, whole: true });
    expect(ticks).toEqual([{ value: 2449, label: '2449' }]);
  });

  it('of bytes are round in their unit', () => {
    const { ticks } = axisOf({ min: 700 * 2 ** 20, max: 900 * 2 ** 20 }, [(v) => `${v / 2 ** 20} MiB`], {
      count: 5,
      bytes: true,
    });
    expect(ticks.map((t) => t.label)).toEqual(['700 MiB', '750 MiB', '800 MiB', '850 MiB', '900 MiB']);
  });

  it('make a range wider that is finer than any label tells', () => {
    const { min, max, ticks } = axisOf({ min: 3, max: 3.00001 }, [(v) => v.toFixed(2)], { count: 6 });
    expect(max - min).toBeGreaterThan(0.01);
    expect(min <= 3 && max >= 3.00001).toBe(true);
    expect(new Set(ticks.map((t) => t.label)).size).toBe(ticks.length);
  });

  it('of a logarithmic axis are there in less than a decade and few in many', () => {
    expect(logTicks({ min: 3, max: 4 }, 6).length).toBeGreaterThan(2);
    expect(logTicks({ min: 0.5, max: 60 }, 10)).toEqual([0.5, 1, 2, 5, 10, 20, 50]);
    expect(logTicks({ min: 1e-12, max: 1e3 }, 6).length).toBeLessThan(8);
  });
});

describe('reading', () => {
  const dense = line(Array.from({ length: 401 }, (_, i) => i / 10));
  const sparse = line([100, 200], [100, 200]);

  it('gives a sparse line at its own points alone', () => {
    expect(readingsAt([dense, sparse], 150.3, 2)).toEqual({ x: 150, points: [{ line: 0, index: 150, x: 150 }] });
    expect(readingsAt([dense, sparse], 199.8, 2)!.points).toEqual([
      { line: 0, index: 200, x: 200 },
      { line: 1, index: 1, x: 200 },
    ]);
    // Nothing lies between: the nearest point is read where it is.
    expect(readingsAt([sparse], 170, 2)).toEqual({ x: 200, points: [{ line: 0, index: 1, x: 200 }] });
    expect(readingsAt([{ x: [], y: [] }], 1, 1)).toBeUndefined();
  });

  it('goes from point to point with keys, however far they lie apart', () => {
    expect(nextX([sparse], 100, 1, 8)).toBe(200);
    expect(nextX([sparse], 200, 1, 8)).toBe(200);
    expect(nextX([dense, sparse], 100, 1, 8)).toBe(108);
    expect(nextX([dense], 397, 1, 8)).toBe(398);
    expect(nextX([dense], 100, -1, 8)).toBe(92);
  });

  it('makes a table of what was measured, with holes where nothing was', () => {
    const rows = tableRows([dense, sparse], 4);
    expect(rows.map((r) => r.x)).toEqual([0, 100, 200, 300, 400]);
    expect(rows.map((r) => r.values[1])).toEqual([undefined, 100, 200, undefined, undefined]);
    fc.assert(
      fc.property(rising, rising, (a, b) => {
        for (const { x, values } of tableRows([a, b], 20))
          values.forEach((v, i) => {
            const at = [a, b][i]!.x.indexOf(x);
            expect(at < 0 ? v === undefined : Object.is(v, [a, b][i]!.y[at])).toBe(true);
          });
      }),
      { numRuns: 20 },
    );
  });
});

describe('an envelope', () => {
  it('holds every value, and none that was not measured', () => {
    fc.assert(
      fc.property(rising, (l) => {
        const { x, low, high } = envelope(l, 40);
        const good = l.y.filter((v) => !Number.isNaN(v));
        for (const v of [...low, ...high]) expect(good.includes(v)).toBe(true);
        if (good.length > 0) {
          expect(Math.min(...low)).toBe(Math.min(...good));
          expect(Math.max(...high)).toBe(Math.max(...good));
        }
        expect(x).toEqual([...x].sort((a, b) => a - b));
      }),
      { numRuns: 40 },
    );
  });
});

describe('what a chart gives out', () => {
  it('is a table of x and a column for each line', () => {
    const csv = toCsv('step', [
      { label: 'loss', line: line([3, 2], [1, 2]) },
      { label: 'a "b", c', line: line([Number.NaN], [2]) },
    ]);
    expect(csv).toBe('step,loss,"a ""b"", c"\n1,3,\n2,2,NaN\n');
  });

  it('is a sentence for those who can not see it', () => {
    const text = summary({ label: 'Loss', line: line([3, 5, Number.NaN, 1]) }, String);
    expect(text).toBe('Loss: from 3 to 1, least 1, greatest 5. 1 value not finite.');
    expect(summary({ label: 'Loss', line: line([]) }, String)).toBe('Loss: nothing yet.');
  });

  it('has a color of its own for each of two dozen runs, by light and by dark', () => {
    for (const theme of ['light', 'dark'] as const) {
      const colors = Array.from({ length: 24 }, (_, i) => colorInOrder(i, theme));
      expect(new Set(colors).size).toBe(24);
      expect(colors.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true);
    }
  });
});

describe('zooming in', () => {
  it('puts what is finer in the place of what it covers, in order and losing nothing else', () => {
    expect(refine(line([0, 10, 20, 30], [0, 10, 20, 30]), line([9, 11, 12], [9, 11, 20]))).toEqual(
      line([0, 9, 11, 12, 30], [0, 9, 11, 20, 30]),
    );
    expect(refine(line([1, 2]), { x: [], y: [] })).toEqual(line([1, 2]));
    expect(refine({ x: [], y: [] }, line([1, 2]))).toEqual(line([1, 2]));
    fc.assert(
      fc.property(rising, fc.nat(2000), fc.nat(2000), (fine, a, b) => {
        const part = within(fine, Math.min(a, b), Math.max(a, b));
        const coarse = decimate(fine, 20);
        const both = refine(coarse, part);
        expect(both.x).toEqual(
          [...new Set([...coarse.x.filter((x) => x < (part.x[0] ?? 0) || x > (part.x.at(-1) ?? -1)), ...part.x])].sort(
            (p, q) => p - q,
          ),
        );
      }),
    );
  });

  it('knows the steps of a part of any axis', () => {
    const minutes = [0, 10, 20, 30, 40];
    const scale = {
      tokensPerStep: 512,
      times: line(
        minutes.map((m) => m * 1000),
        [0, 100, 200, 300, 400],
      ),
    };
    expect(stepsWithin({ min: 99.5, max: 200.5 }, 'step', scale)).toEqual({ from: 99, to: 201 });
    expect(stepsWithin({ min: 51_200, max: 102_400 }, 'tokens', scale)).toEqual({ from: 100, to: 200 });
    const hours = (seconds: number) => seconds / 3600;
    const { from, to } = stepsWithin({ min: hours(10), max: hours(30) }, 'time', scale);
    expect([from, to].map((s, i) => Math.abs(s - [100, 300][i]!) <= 1)).toEqual([true, true]);
    expect(stepsWithin({ min: -50, max: 10 }, 'step', scale)).toEqual({ from: 0, to: 10 });
  });
});
