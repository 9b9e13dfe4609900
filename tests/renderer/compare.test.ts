import { phaseSchema } from '../../electron/engine/run/config.ts';
import { describe, expect, it } from 'vitest';
import { type Setting, seriesNames } from '../../electron/api/types.ts';
import { settings } from '../../electron/engine/run/settings.ts';
import { colorInOrder } from '../../renderer/charts/colors.ts';
import { placesOf } from '../../renderer/charts/looks.ts';
import { meanAndRange } from '../../renderer/charts/pipeline/index.ts';
import { differences, labelOf, orderOf, valueLines } from '../../renderer/pages/compare/configDiff.ts';
import { bySetting, groupsOf } from '../../renderer/pages/compare/groups.ts';
import type { Compared } from '../../renderer/pages/compare/compared.ts';
import { differenceOf, metrics, metricsFor, summaryOf } from '../../renderer/pages/compare/metrics.ts';

describe('configs side by side', () => {
  const config = (seed: number, changes: object = {}) => ({
    dataset: 'books',
    seed,
    optimizer: { kind: 'adamw', beta1: 0.9 },
    subset: { from: 0, to: 100 },
    phases: [{ kind: 'cosine', steps: 1000, from: 6e-4, to: 6e-5 }],
    ...changes,
  });

  it('are told by the settings that differ alone, in their order and words', () => {
    const found = differences([config(1), config(2), config(2, { dataset: 'web' })], orderOf(settings as Setting[]));
    expect(found).toEqual([
      { path: 'dataset', values: ['books', 'books', 'web'] },
      { path: 'seed', values: [1, 2, 2] },
    ]);
    expect(found.map(({ path }) => labelOf(path, settings as Setting[]))).toEqual(['Dataset', 'Seed']);
    // No setting of a phase is shown by its key.
    const keys = Object.keys(phaseSchema.shape);
    const values = {
      kind: 'cosine',
      steps: 5,
      from: 1,
      to: 0,
      ...Object.fromEntries(keys.slice(5).map((key) => [key, 1])),
    };
    const { mix: _, subset: __, ...phase } = values as Record<string, unknown>;
    const [text] = valueLines('phases', [phase]);
    for (const key of keys.filter((name) => /[A-Z]/.test(name))) expect(text).not.toContain(key);
    expect(differences([config(1), config(1)], [])).toEqual([]);
  });

  it('say what one has and another has not, and read as people write', () => {
    const [subset, mix] = differences(
      [
        config(1),
        config(1, { subset: { from: 0, to: 50 }, mix: [{ dataset: 'web', subset: { from: 0, to: 100 }, weight: 3 }] }),
      ],
      ['subset', 'mix'],
    );
    expect(subset!.values.map((v) => valueLines('subset', v))).toEqual([['0–100 %'], ['0–50 %']]);
    expect(mix!.values.map((v) => valueLines('mix', v))).toEqual([['–'], ['3 × web']]);
    expect(valueLines('phases', config(1).phases)).toEqual(['1. cosine decay 1,000 steps, 6e-4 → 6e-5']);
    expect(valueLines('optimizer.eps', 1e-8)).toEqual(['1e-8']);
    expect(valueLines('x', true)).toEqual(['on']);
  });
});

describe('groups of runs', () => {
  const run = (id: string, tags: string[], seed: number) => ({
    id,
    run: { tags },
    details: { config: { o: { seed } } },
  });
  const runs = [run('a', ['x', 'y'], 1), run('b', ['y'], 2), run('c', [], 1)];

  it('are by tag, where a run is in the group of each, or by a setting', () => {
    const seen = (by: string) => groupsOf(runs, by).map(({ key, runs: ids }) => `${key}: ${ids.join()}`);
    expect(seen('tag')).toEqual(['x: a', 'y: a,b', 'no tag: c']);
    expect(seen(bySetting('o.seed'))).toEqual(['1: a,c', '2: b']);
    expect(seen(bySetting('nowhere.at.all'))).toEqual(['–: a,b,c']);
    expect(seen('')).toEqual([]);
    expect(seen('nonsense')).toEqual([]);
  });

  it('are drawn as the mean and the range of those that were measured there', () => {
    const { mean, low, high } = meanAndRange([
      { x: [0, 10, 20], y: [4, 2, 0] },
      { x: [0, 5, 10], y: [8, 6, NaN] },
    ]);
    expect(mean).toEqual({ x: [0, 5, 10, 20], y: [6, 4.5, 2, 0] });
    expect(low.y).toEqual([4, 3, 2, 0]);
    expect(high.y).toEqual([8, 6, 2, 0]);
    expect(meanAndRange([{ x: [3], y: [NaN] }]).mean).toEqual({ x: [3], y: [NaN] });
    expect(meanAndRange([]).mean).toEqual({ x: [], y: [] });
    const long = { x: Array.from({ length: 50_000 }, (_, i) => i), y: Array.from({ length: 50_000 }, () => 1) };
    const { x } = meanAndRange([long, long]).mean;
    expect(x.length).toBeLessThanOrEqual(1001);
    expect([x[0], x.at(-1)]).toEqual([0, 49_999]);
  });

  it('are summed up by what is known of their runs', () => {
    expect(summaryOf([1, null, 3, NaN])).toEqual({ mean: 2, min: 1, max: 3 });
    expect(summaryOf([null])).toBeUndefined();
  });
});

describe('a difference', () => {
  it('has its sign and unit, and is none of what is not known', () => {
    expect(differenceOf('valLoss', 2, 3, 'token')).toBe('−1.0000 nats/token');
    expect(differenceOf('valLoss', 3, 3, 'byte')).toBe('+0.0000 bits/byte');
    expect(differenceOf('hellaswag', 0.5, 0.25, 'token')).toBe('+25 %');
    expect(differenceOf('time', 90_000, 30_000, 'token')).toBe('+1m 00s');
    expect(differenceOf('loss', null, 3, 'token')).toBe('');
    expect(differenceOf('loss', Infinity, Infinity, 'token')).toBe('');
  });
});

describe('what machines and GPUs report', () => {
  const points = (...values: number[]) => ({ steps: values.map((_, i) => 100 * (i + 1)), values });
  const run = (measures: Record<string, ReturnType<typeof points>>) => {
    const none = Object.fromEntries(seriesNames.map((name) => [name, points()]));
    return { series: { measures: { ...none, ...measures }, means: { ...none, ...measures } } } as unknown as Compared;
  };
  const gpu = run({
    gpuUtilization: points(0.5, 1, NaN),
    gpuPower: points(100, 301),
    gpuTemperature: points(50, 71, 60),
  });
  const cpu = run({ cpuUtilization: points(0.9), machineMemoryBytes: points(2 ** 30, 1.5 * 2 ** 30) });

  it('is compared by its mean or its greatest, and is unknown of a run that has none', () => {
    const said = (name: 'gpuUtilization' | 'gpuPower' | 'gpuTemperature' | 'machineMemoryBytes', of: Compared) => {
      const value = metrics[name].value(of, 'token');
      return value === null ? null : metrics[name].format(value, 'token');
    };
    expect(said('gpuUtilization', gpu)).toBe('75 %');
    expect(said('gpuPower', gpu)).toBe('200.5 W');
    expect(said('gpuTemperature', gpu)).toBe('71.0 °C');
    expect(said('machineMemoryBytes', cpu)).toBe('1.50 GiB');
    expect(said('gpuUtilization', cpu)).toBeNull();
    expect(said('gpuPower', { ...gpu, series: undefined })).toBeNull();
    expect(differenceOf('gpuPower', 200.5, 210, 'token')).toBe('−9.5 W');
  });

  it('can be chosen where a run has it, or has been chosen already', () => {
    const always = ['valLoss', 'loss', 'hellaswag', 'tokens', 'tokensPerSecond', 'time'];
    expect(metricsFor([], 'loss')).toEqual(always);
    expect(metricsFor([run({})], 'gpuPower')).toEqual([...always, 'gpuPower']);
    expect(metricsFor([run({}), cpu], 'loss')).toEqual([...always, 'cpuUtilization', 'machineMemoryBytes']);
    expect(metricsFor([gpu], 'loss')).toEqual([...always, 'gpuUtilization', 'gpuTemperature', 'gpuPower']);
  });
});

describe('places of runs', () => {
  const run = (id: string, createdAt: number) => ({ id, createdAt });

  it('are those of their creation, in whatever order they are listed, and each is one', () => {
    const [first, second, third] = [run('z', 1), run('a', 2), run('m', 3)];
    for (const listed of [[first, second, third], [third, first, second, first], [second, third, first]])
      expect([...placesOf(listed)].sort()).toEqual([['a', 1], ['m', 2], ['z', 0]]); // prettier-ignore
    expect([...placesOf([run('b', 1), run('a', 1)])]).toEqual([['a', 0], ['b', 1]]); // prettier-ignore
  });
});

describe('colors in order', () => {
  it('differ between the first twenty-four runs on both themes', () => {
    for (const theme of ['light', 'dark'] as const) {
      const colors = Array.from({ length: 24 }, (_, n) => colorInOrder(n, theme));
      expect(new Set(colors).size).toBe(24);
      expect(colors.every((c) => /^#[0-9a-f]{6}$/.test(c))).toBe(true);
    }
  });
});
