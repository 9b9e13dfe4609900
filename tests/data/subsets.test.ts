import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { openDataset } from '../../electron/data/dataset/index.ts';
import { bucketOf, overlap, type Subset } from '../../electron/data/subsets.ts';
import { tempDir } from '../temp.ts';

const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A dataset of short documents, and what a subset of it holds. */
async function prepared(texts: readonly string[], shardTokens = 700) {
  const [home, folder] = [tempDir(), tempDir()];
  for (const [i, text] of texts.entries())
    fs.writeFileSync(path.join(folder, `${String(i).padStart(4, '0')}.txt`), text);
  const manifest = await prepareDataset({ home, inputs: [folder], tokenizer: 'bytes', shardTokens });
  const dir = path.join(home, 'datasets', manifest.name);
  const documents = (subset: Subset): string[] => {
    const dataset = openDataset(dir);
    try {
      const source = dataset.trainSubset(subset);
      const text = String.fromCharCode(...source.window(0, source.tokens));
      return text.split('\u0100').slice(0, -1);
    } finally {
      dataset.close();
    }
  };
  return { dir, manifest, documents };
}

const texts = Array.from({ length: 400 }, (_, i) => `document ${i}, of ${i % 7} words`);
const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { minLength: 1, maxLength: 6 });

describe('subsets of a dataset', () => {
  it('that lie side by side hold every training document once; none is in two of them', async () => {
    const { documents } = await prepared(texts);
    const all = documents({ from: 0, to: 100 });
    expect(all.length).toBeGreaterThan(300);
    fc.assert(
      fc.property(cuts, (between) => {
        const edges = [0, ...between.toSorted((a, b) => a - b), 100];
        const parts = edges.slice(1).map((to, i) => documents({ from: edges[i]!, to }));
        expect(parts.flat().sort()).toEqual(all.toSorted());
      }),
      { numRuns: 20, seed: 3 },
    );
  });

  it('hold a document by its text alone, whatever else there is', async () => {
    const [large, small] = [await prepared(texts), await prepared(texts.slice(100, 250).toReversed())];
    for (const subset of [
      { from: 0, to: 50 },
      { from: 50, to: 80 },
    ]) {
      const known = new Set(large.documents(subset));
      const inSmall = small.documents(subset);
      expect(inSmall.length).toBeGreaterThan(20);
      for (const text of inSmall) expect(known.has(text), text).toBe(true);
      for (const text of known) {
        const bucket = bucketOf(hash(text));
        expect(bucket >= subset.from && bucket < subset.to, text).toBe(true);
      }
    }
  });

  it('take about the part of the documents that they say', () => {
    const counts = new Array<number>(100).fill(0);
    for (let i = 0; i < 50_000; i++) counts[bucketOf(hash(`text ${i}`))]!++;
    // 500 expected in each, with a standard deviation of 22.
    for (const n of counts) expect(Math.abs(n - 500)).toBeLessThan(6 * 22);
  });

  it('are the same in every version: a document stays where it was', () => {
    expect(['', 'a', 'The quick brown fox'].map((text) => bucketOf(hash(text)))).toEqual([47, 68, 56]);
  });

  it('also divide a few long texts, cut at the end for validation', async () => {
    const few = Array.from({ length: 20 }, (_, i) => `${i} `.repeat(100));
    const { documents, manifest } = await prepared(few);
    const halves = [...documents({ from: 0, to: 50 }), ...documents({ from: 50, to: 100 })];
    expect(halves.join('').length).toBeLessThanOrEqual(manifest.trainTokens);
    for (const text of halves) expect(few.some((f) => f.startsWith(text))).toBe(true);
  });

  it('of the whole are all there was before there were subsets; others are refused, and damage is seen', async () => {
    const { dir } = await prepared(texts.slice(0, 120));
    const file = path.join(dir, 'dataset.json');
    const { trainBuckets, ...old } = JSON.parse(fs.readFileSync(file, 'utf8'));
    fs.writeFileSync(file, JSON.stringify(old));
    const dataset = openDataset(dir);
    expect(dataset.trainSubset({ from: 0, to: 100 }).tokens).toBe(old.trainTokens);
    expect(() => dataset.trainSubset({ from: 0, to: 50 })).toThrow(/tokenize its text again/);
    dataset.close();
    fs.writeFileSync(file, JSON.stringify({ ...old, trainBuckets: [...trainBuckets.slice(1), 0] }));
    expect(() => openDataset(dir)).toThrow(/damaged \(its subsets\)/);
  });
});

it('ranges that touch do not overlap', () => {
  expect(overlap({ from: 0, to: 50 }, { from: 50, to: 80 })).toBe(false);
  expect(overlap({ from: 0, to: 51 }, { from: 50, to: 80 })).toBe(true);
  expect(overlap({ from: 10, to: 20 }, { from: 0, to: 100 })).toBe(true);
});
