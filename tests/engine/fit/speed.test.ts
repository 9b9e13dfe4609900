import { describe, expect, it } from 'vitest';
import { computedTimes, forwardShare, type KnownSpeed } from '../../../electron/engine/fit/speed.ts';
import { findGpu } from '../../../electron/engine/fit/gpus.ts';
import { modelFlopsPerToken } from '../../../electron/engine/models/index.ts';
import { speedOfSheet } from '../../../electron/studio/time/estimate.ts';

const shape = (nLayer: number, nHead: number, nEmbd: number) => ({
  ...{ vocabSize: 50257, contextLength: 1024, dropout: 0 },
  ...{ nLayer, nHead, nEmbd },
});

/** Steps of 524,288 tokens (the last: 1,048,576) on 8 GPUs, from the head of llm.c's scripts/run_gpt2_*.sh. */
const published = [
  ['124M', shape(12, 12, 768), 64, 'a100-80gb', 524_288, 0.3],
  ['350M', shape(24, 16, 1024), 64, 'a100-80gb', 524_288, 0.82],
  ['774M', shape(36, 20, 1280), 32, 'a100-80gb', 524_288, 1.7],
  ['1558M', shape(48, 25, 1600), 16, 'h100-80gb', 1_048_576, 2.8],
] as const;

describe('the cost model', () => {
  it.each(published)('has the published step of llm.c %s in its range', (_, model, batch, gpu, tokens, seconds) => {
    const config = { model, batch, precision: 'bf16', recompute: 'none' } as const;
    const found = computedTimes(config, speedOfSheet(findGpu(gpu)))!;
    const micro = tokens / 8 / (batch * 1024);
    const step = (at: 'low' | 'likely' | 'high') => micro * found[at].microSeconds + found[at].updateSeconds;
    expect(step('low')).toBeLessThan(seconds);
    expect(step('high')).toBeGreaterThan(seconds);
    expect(step('likely') / seconds).toBeGreaterThan(0.8);
    expect(step('likely') / seconds).toBeLessThan(1.2);
  });

  it('has the time of arithmetic on a device whose memory costs nothing', () => {
    // 1 TFLOP/s, twice as long as the floor, and calls that cost nothing: attention is causal, matmuls are 6 FLOPs a weight.
    const speed: KnownSpeed = {
      ...{ key: '', name: '', callSeconds: 0, slowdown: { low: 1, likely: 2, high: 4 } },
      rates: { f32Tflops: 1, f16Tflops: 1, bandwidthGBs: 1e12 },
    };
    const model = { ...shape(4, 8, 512), contextLength: 64 };
    const { low, likely, high } = computedTimes({ model, batch: 8, recompute: 'none' }, speed)!;
    const seconds = (8 * 64 * modelFlopsPerToken(model, 64)) / 1e12;
    expect(low.microSeconds / seconds).toBeGreaterThan(0.97);
    expect(low.microSeconds / seconds).toBeLessThan(1.05);
    expect(likely.microSeconds / low.microSeconds).toBeCloseTo(2, 12);
    expect(high.microSeconds / low.microSeconds).toBeCloseTo(4, 12);
  });

  it('takes a third of the work for a forward pass', () => {
    const share = forwardShare({ model: shape(4, 8, 512), batch: 8, recompute: 'none' });
    expect(8 * share).toBeGreaterThan(0.3);
    expect(8 * share).toBeLessThan(0.36);
  });

  it('says nothing of a device whose rates are not known', () => {
    const speed = { key: '', name: '', callSeconds: 0, slowdown: { low: 1, likely: 2, high: 4 } };
    expect(computedTimes({ model: shape(1, 1, 64), batch: 1, recompute: 'none' }, speed)).toBeUndefined();
  });
});
