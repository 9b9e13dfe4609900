import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRunConfig } from '../../electron/engine/config.ts';
import { loadPreset, presetNames } from '../../electron/engine/presets.ts';
import { schedule, totalSteps } from '../../electron/engine/trainer/schedule.ts';
import { tempDir } from '../temp.ts';
import { jsonLines, runCli } from './run.ts';

/** A run's config with what the command line fills in. */
function complete(name: string) {
  const { config } = loadPreset(name);
  const model = { ...(config.model as object), vocabSize: config.tokenizer === 'bytes' ? 257 : 50257 };
  const { contextLength } = model as unknown as { contextLength: number };
  const phases = [{ kind: 'constant', steps: 1, from: 1e-4, to: 1e-4 }];
  return parseRunConfig({
    tokensPerStep: (config.batch as number) * contextLength,
    phases,
    dataset: 'any',
    ...config,
    model,
  });
}

describe('presets', () => {
  it.each(presetNames())('%s is a valid run', (name) => {
    expect(complete(name).batch).toBeGreaterThanOrEqual(1);
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

  it.each(['nano', 'mini'])('%s trains', async (name) => {
    const dir = tempDir();
    const text = path.join(dir, 'text.txt');
    fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(400));
    const args = [
      '--home',
      path.join(dir, 'home'),
      'train',
      '--preset',
      name,
      '--text',
      text,
      '--steps',
      '3',
      '--lr',
      '1e-3',
    ];
    const result = await runCli([...args, '--eval-sequences', '1', '--sample-tokens', '0', '--json']);
    expect([result.code, result.stderr]).toEqual([0, '']);
    const losses = jsonLines(result.stdout).flatMap((l) => (l.type === 'metrics' ? [l.loss as number] : []));
    expect(losses).toHaveLength(3);
    expect(losses[2]).toBeLessThan(losses[0]!);
  });
});
