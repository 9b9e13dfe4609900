import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BenchedDevice } from '../../electron/cli/benchDevice.ts';
import { type EvaluationBench, generateBench, hellaswagBench } from '../../electron/cli/benchEvaluation.ts';
import type { GenerateBench } from '../../electron/engine/bench/generate.ts';
import type { HellaswagBench } from '../../electron/engine/bench/hellaswag.ts';
import { precisions } from '../../electron/engine/program/types.ts';
import { hasCpu } from '../engine/devices.ts';
import { seeGpus } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { hasEmulator } from './gpu.ts';
import { printed } from './printed.ts';
import { lack, where } from '../frame/needs.ts';

const model = { vocabSize: 257, contextLength: 24, nLayer: 1, nHead: 1, nEmbd: 16, dropout: 0 };
const devices: Record<string, BenchedDevice> = { cpu: { kind: 'cpu', threads: 2 }, cuda: { kind: 'cuda', gpu: 1 } };

/** A little bench on a machine with two GPUs, in a home that nobody has made. */
function bench(device: BenchedDevice, changes: Partial<EvaluationBench> = {}) {
  seeGpus([{ freeBytes: 0 }, { name: 'second GPU' }]);
  const home = path.join(tempDir(), 'home');
  return { name: 'tiny', model, precision: 'f32', device, home, json: true, ...changes } as const;
}

function itemsFile(): string {
  const item = { ind: 0, activity_label: 'P', ctx_a: 'He', ctx_b: 'he', endings: ['a', 'bc', 'def', 'g'], label: '0' };
  const items = [item, { ...item, ind: 1, ctx_a: 'Peter Piper picked', endings: ['a peck', 'one', 'two', 'three'] }];
  const file = path.join(tempDir(), 'items.jsonl');
  fs.writeFileSync(file, items.map((i) => JSON.stringify(i)).join('\n'));
  return file;
}

where(describe, [hasCpu, lack.cpu], [hasEmulator, lack.emulator]).each(Object.entries(devices))(
  'evaluation timed on %s',
  (kind, device) => {
    const described = kind === 'cpu' ? (expect.stringMatching(/^cpu: .*2 threads$/) as string) : 'cuda: second GPU';

    it.each(precisions)('tells tokens a second in %s with the cache and without', async (precision) => {
      const command = bench(device, { precision });
      const { text } = await printed(() => generateBench({ ...command, tokens: 3 }));
      const { context, ...seconds } = JSON.parse(text) as GenerateBench;
      expect([context, fs.existsSync(command.home)]).toEqual([21, false]);
      expect(seconds).toMatchObject({ device: described, preset: 'tiny', precision });
      for (const key of ['prefillSeconds', 'cachedSeconds', 'recomputedSeconds'] as const)
        expect(seconds[key], key).toBeGreaterThan(0);
    });

    it('tells HellaSwag items a second both ways, which agree', async () => {
      const command = bench(device);
      const file = itemsFile();
      const work = () =>
        hellaswagBench({ ...command, items: 5, rounds: 1, tokenizer: 'bytes', file: () => Promise.resolve(file) });
      const { text } = await printed(work);
      const result = JSON.parse(text) as HellaswagBench;
      expect(result).toMatchObject({ device: described, preset: 'tiny', precision: 'f32', items: 2 });
      expect(result.packedSeconds).toBeGreaterThan(0);
      expect(result.plainSeconds).toBeGreaterThan(0);
      expect(result.largestDifference).toBeLessThan(1e-4);
      expect(fs.existsSync(command.home)).toBe(false);
    });
  },
);
