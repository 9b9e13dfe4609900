import { describe, expect, it } from 'vitest';
import { advise, matrix } from '../../../electron/engine/fit/advice.ts';
import { type FitConfig, fit } from '../../../electron/engine/fit/fit.ts';
import { optimizerKinds } from '../../../electron/engine/optimizers/index.ts';

const config: FitConfig = {
  model: { vocabSize: 257, contextLength: 64, nLayer: 3, nHead: 2, nEmbd: 64, dropout: 0 },
  batch: 4,
  recompute: 'none',
};
const bytesOf = (changes: Partial<FitConfig>) => fit({ ...config, ...changes }).totalBytes;
const min = Math.min(
  ...optimizerKinds.flatMap((optimizer) =>
    (['f32', 'bf16'] as const).map((precision) => bytesOf({ optimizer, precision, recompute: 'block', batch: 1 })),
  ),
);

describe('advice for what does not fit', () => {
  it.each([0.999, 0.8, 0.6, 0.45])('fits %f of what is needed, cheapest first, and says what is saved', (part) => {
    const before = fit(config).totalBytes;
    const bytes = Math.max(min, Math.floor(before * part));
    const ways = advise(config, bytes);
    expect(ways.length).toBeGreaterThan(0);
    expect(ways.length).toBeLessThanOrEqual(3);
    for (const { config: changed, totalBytes, savedBytes, changes } of ways) {
      expect(totalBytes).toBeLessThanOrEqual(bytes);
      expect(totalBytes).toBe(fit(changed).totalBytes);
      expect(savedBytes).toBe(before - totalBytes);
      expect(changed.model).toEqual(config.model);
      expect(changes.length).toBeGreaterThan(0);
      expect(ways.filter((w) => changes.every((c) => w.changes.includes(c))).length).toBe(1);
    }
    expect(ways.map((w) => w.extraFlops)).toEqual(ways.map((w) => w.extraFlops).sort((a, b) => a - b));
  });

  it('counts what recomputation does again: a forward pass of every block is a third of the blocks’ work', () => {
    const { optimizer, ...rest } = { ...config, optimizer: 'pagedAdamw8bit' as const };
    const tight = fit({ ...rest, optimizer, recompute: 'block', batch: 1 }).totalBytes;
    const [way] = advise(config, tight);
    expect(way!.changes).toContain('recompute block');
    expect(way!.extraFlops).toBeGreaterThan(0.2);
    expect(way!.extraFlops).toBeLessThan(1 / 3);
    expect(way!.pagedBytes).toBe(2 * fit(way!.config).hostBytes);
  });

  it('pages no more than the host has room for', () => {
    const paged = fit({ ...config, optimizer: 'pagedAdamw8bit' });
    const pages = (hostBytes: number) =>
      advise(config, paged.totalBytes, { count: 100, hostBytes }).some((way) => way.pagedBytes > 0);
    expect([pages(paged.hostBytes), pages(paged.hostBytes - 1)]).toEqual([true, false]);
  });

  it('is empty when nothing helps', () => expect(advise(config, min - 1)).toEqual([]));
});

it('half precision comes first where it is enough: it costs no work', () => {
  const wide: FitConfig = { ...config, model: { ...config.model, contextLength: 512 } };
  const [way] = advise(wide, fit({ ...wide, precision: 'bf16' }).totalBytes);
  expect(way!.changes).toEqual(['precision bf16']);
  expect(way!.extraFlops).toBe(0);
});

it('the matrix holds the plan of every optimizer, precision, recomputation and batch', () => {
  const rows = matrix(config, [1, 3]);
  expect(rows.length).toBe(24);
  for (const { optimizer, precision, recompute, totalBytes } of rows) {
    expect(totalBytes).toEqual([1, 3].map((batch) => bytesOf({ optimizer, precision, recompute, batch })));
    if (precision === 'f16')
      expect(bytesOf({ optimizer, precision: 'bf16', recompute })).toBe(bytesOf({ optimizer, precision, recompute }));
  }
});
