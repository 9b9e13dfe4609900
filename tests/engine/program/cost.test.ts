import { describe, expect, it } from 'vitest';
import { paddedVocabSize } from '../../../electron/engine/models/model.ts';
import { parameterCount } from '../../../electron/engine/models/index.ts';
import { parameterTable } from '../../../electron/engine/models/index.ts';
import { loadPreset } from '../../../electron/engine/run/presets.ts';
import { callCost, programCost } from '../../../electron/engine/program/cost.ts';
import { mfu } from '../../../electron/engine/run/log.ts';
import { modelFlopsPerToken } from '../../../electron/engine/models/index.ts';
import { elements } from '../../../electron/engine/program/types.ts';
import { gpt2, presets, runPrograms } from './shapes.ts';

describe.each(presets)('$name', ({ name, shape, parameters }) => {
  it('has the published number of parameters, by the formula and by the table', () => {
    expect(parameterCount(shape)).toBe(parameters);
    expect(parameterTable(shape).reduce((n, p) => n + elements(p.fileShape), 0)).toBe(parameters);
  });

  it('is the preset of that name', () => {
    const { nLayer, nHead, nEmbd, contextLength } = shape;
    expect(loadPreset(name).config.model).toMatchObject({ nLayer, nHead, nEmbd, contextLength });
  });

  it('pads only the rows of the token embedding', () => {
    const padded = parameterTable(shape).filter((p) => `${p.shape}` !== `${p.fileShape}`);
    expect(padded.map((p) => p.name)).toEqual(['wte.weight']);
    expect(padded[0]!.shape).toEqual([paddedVocabSize(shape), shape.nEmbd]);
    expect(paddedVocabSize(shape)).toBe(50304);
  });
});

describe('the cost model', () => {
  it('counts model FLOPs per token as 6 per matrix parameter and 12·L·C·T for attention', () => {
    const { name, shape } = presets[0]!;
    expect(name).toBe('gpt2');
    // 84,934,656 in the blocks' matrices and 38,597,376 in the output head
    expect(modelFlopsPerToken(shape, 1024)).toBe(6 * (84_934_656 + 38_597_376) + 12 * 12 * 768 * 1024);
    expect(mfu(1000, modelFlopsPerToken(shape, 1024), 1e12)).toBeCloseTo(0.8544, 4);
  });

  it('counts in a micro-batch what the model needs, up to the causal mask and small ops', () => {
    const { shape } = presets[0]!;
    const [first] = runPrograms(shape, 2, 'none');
    const tokens = 2 * shape.contextLength;
    const attention = 12 * shape.nLayer * shape.nEmbd * shape.contextLength;
    const matrices = modelFlopsPerToken(shape, shape.contextLength) - attention;
    const share = programCost(first!).flops / tokens / matrices;
    expect(share).toBeGreaterThan(1);
    expect(share).toBeLessThan(1 + attention / matrices); // the mask spares almost half of it
  });

  it('counts more work, not more useful work, when blocks are recomputed', () => {
    const cost = (policy: 'none' | 'block') => programCost(runPrograms(gpt2(2, 4, 64, 32, 97), 3, policy)[0]!).flops;
    expect(cost('block')).toBeGreaterThan(1.15 * cost('none'));
    expect(cost('block')).toBeLessThan(1.34 * cost('none'));
  });

  it('counts every byte that a call reads and writes once, and what it adds to twice', () => {
    const [first, further] = runPrograms(gpt2(1, 1, 64, 16, 97), 1, 'none');
    const weight = (p: typeof first) => p!.calls.find((c) => c.kind === 'linearBackwardWeight')!;
    const [x, dy, dw, db] = [16 * 256, 16 * 64, 256 * 64, 64].map((n) => 4 * n) as [number, number, number, number];
    expect(callCost(weight(first)).bytes).toBe(x + dy + dw + db);
    expect(callCost(weight(further)).bytes).toBe(x + dy + 2 * dw + 2 * db);
    expect(callCost(weight(first)).flops).toBe(2 * 16 * 256 * 64 + 16 * 64);
  });
});
