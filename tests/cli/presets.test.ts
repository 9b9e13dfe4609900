import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { loadPreset, precisionOn, presetNames } from '../../electron/engine/run/presets.ts';
import { learningRateAt, schedule, totalSteps } from '../../electron/engine/run/schedule.ts';
import { runHere } from './run.ts';

/** A run's config with what the command line fills in. */
function complete(name: string) {
  const { config } = loadPreset(name);
  const model = { ...(config.model as object), vocabSize: config.tokenizer === 'bytes' ? 257 : 50257 };
  return parseRunConfig({ dataset: 'any', ...config, model });
}

/** Of their sources: steps, tokens a step, the highest rate, the last, steps of warm-up. */
const published: Readonly<Record<string, readonly [number, number, number, number, number]>> = {
  gpt2: [18_865, 524_288, 6e-4, 0, 700],
  'gpt2-medium': [60_000, 524_288, 3e-4, 0, 700],
  'gpt2-large': [286_102, 524_288, 2.5e-4, 0, 700],
  'gpt2-xl': [32_000, 1_048_576, 6e-4, 6e-5, 700],
  mini: [5000, 64 * 256, 1e-3, 1e-4, 100],
  'shakespeare-cpu': [2000, 12 * 64, 1e-3, 1e-4, 100],
};

describe('presets', () => {
  it.each(presetNames())('%s is a valid run, with a source of each of its parts', (name) => {
    expect(complete(name).batch).toBeGreaterThanOrEqual(1);
    const { sources } = loadPreset(name);
    expect(sources.length).toBeGreaterThan(0);
    for (const { url } of sources) expect(url.startsWith('https://') || fs.existsSync(packageFile(url))).toBe(true);
  });

  it.each(Object.entries(published))(
    '%s has the schedule of its source',
    (name, [steps, tokens, peak, last, warmup]) => {
      const config = complete(name);
      const phases = schedule(config);
      expect([totalSteps(phases), config.tokensPerStep]).toEqual([steps, tokens]);
      // Linear to the peak, then down along a cosine: half of the way at half of its steps.
      expect(learningRateAt(phases, warmup - 1)).toBeCloseTo(peak, 12);
      expect(learningRateAt(phases, warmup / 2 - 1)).toBeCloseTo(peak / 2, 12);
      expect(learningRateAt(phases, Math.round((warmup + steps) / 2) - 1) / ((peak + last) / 2)).toBeCloseTo(1, 3);
      expect(learningRateAt(phases, steps - 1)).toBeCloseTo(last, 12);
    },
  );

  it('nano trains on 20 tokens a parameter', () => {
    const config = complete('nano');
    // 257 · 128 + 256 · 128 + 4 · (12 · 128² + 13 · 128) + 2 · 128
    const wanted = 20 * 859_008;
    const tokens = totalSteps(schedule(config)) * config.tokensPerStep;
    expect(tokens).toBeGreaterThanOrEqual(wanted);
    expect(tokens).toBeLessThan(wanted + config.tokensPerStep);
  });

  it('take the precision that their device trains fastest in, unless they name one', () => {
    expect(precisionOn(loadPreset('gpt2'), 'cuda')).toBe('bf16');
    expect(precisionOn(loadPreset('gpt2'), 'cpu')).toBe('f32');
    expect(precisionOn(loadPreset('gpt2-medium-4096'), 'cpu')).toBe('f16');
  });

  it('are listed with their tokens, and shown with their sources', async () => {
    const all = await runHere(['presets']);
    expect([all.code, all.stderr]).toEqual([0, '']);
    for (const name of presetNames()) expect(all.stdout).toMatch(new RegExp(`^${name} `, 'm'));
    const one = await runHere(['presets', 'gpt2']);
    expect(one.stdout).toContain('9.89B tokens (published), 524,288 per step');
    expect(one.stdout).toMatch(/^from https:\/\/github\.com\/karpathy\/llm\.c\/.*run_gpt2_124M\.sh$/m);
    const json = await runHere(['presets', 'nano', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ name: 'nano', parameters: 859_008, tokensFrom: '20 a parameter' });
    const wrong = await runHere(['presets', 'gpt5']);
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('There is no preset "gpt5"')]);
  });

  it('gpt2-medium-4096 is the published recipe', () => {
    const config = complete('gpt2-medium-4096');
    expect(config.tokensPerStep).toBe(262_144);
    const [warmup, cosine, constant] = schedule(config);
    expect(warmup).toMatchObject({ steps: 3000, phase: { kind: 'warmup', from: 6e-5, to: 4e-4 } });
    const subsets = config.phases.map((p) => p.subset);
    expect(subsets).toEqual([{ from: 0, to: 50 }, { from: 0, to: 50 }, { from: 50, to: 80 }]); // prettier-ignore
    expect(cosine).toMatchObject({ phase: { kind: 'cosine', from: 4e-4, to: 3.6e-4 } });
    expect(constant).toMatchObject({ phase: { kind: 'constant', from: 9e-5, optimizer: 'adamw8bit' } });
    expect(cosine!.steps * config.tokensPerStep).toBeGreaterThanOrEqual(11.7e9);
    expect(totalSteps(schedule(config)) * config.tokensPerStep).toBeCloseTo(13.5e9, -8);
  });
});
