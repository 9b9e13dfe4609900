import { describe, expect, it } from 'vitest';
import { positionsFor, requireCompatible } from '../../../electron/engine/run/initialWeights.ts';

const model = { vocabSize: 257, contextLength: 4, nLayer: 2, nHead: 2, nEmbd: 2, dropout: 0 };

describe('position embeddings of another context length', () => {
  const wpe = Float32Array.of(0, 10, 2, 12, 4, 14); // 3 positions, width 2

  it('are cut, repeated, or spread out', () => {
    expect([...positionsFor(wpe, 2, 2, 'repeat')]).toEqual([0, 10, 2, 12]);
    expect([...positionsFor(wpe, 2, 3, 'interpolate')]).toEqual([...wpe]);
    expect([...positionsFor(wpe, 2, 5, 'repeat')]).toEqual([0, 10, 2, 12, 4, 14, 0, 10, 2, 12]);
    expect([...positionsFor(wpe, 2, 5, 'interpolate')]).toEqual([0, 10, 1, 11, 2, 12, 3, 13, 4, 14]);
    expect([...positionsFor(Float32Array.of(7, 8), 2, 3, 'interpolate')]).toEqual([7, 8, 7, 8, 7, 8]);
  });
});

describe('a model to begin with', () => {
  it.each([
    ['layers', { nLayer: 3 }],
    ['heads', { nHead: 1 }],
    ['width', { nEmbd: 4 }],
    ['vocabulary', { vocabSize: 50257 }],
  ])('has the same %s', (name, change) => {
    expect(() => requireCompatible({ ...model, ...change }, model, 'repeat')).toThrow(
      new RegExp(`The ${name} of the new run`),
    );
  });

  it('may have another context, when it is said how', () => {
    expect(() => requireCompatible({ ...model, contextLength: 2 }, model, undefined)).not.toThrow();
    expect(() => requireCompatible({ ...model, contextLength: 8 }, model, undefined)).toThrow(/--extend-positions/);
    expect(() => requireCompatible({ ...model, contextLength: 8 }, model, 'interpolate')).not.toThrow();
  });
});
