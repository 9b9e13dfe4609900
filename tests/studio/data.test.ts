import fs from 'node:fs';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../../electron/engine/run/config.ts';
import { dataTitle } from '../../electron/engine/run/schedule.ts';
import { notValidated } from '../../electron/studio/run/data.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

const phase = { kind: 'constant', steps: 3, from: 1e-3, to: 1e-3 } as const;
const configOf = (changes: Partial<RunConfigInput> = {}) =>
  parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 1, nHead: 1, nEmbd: 16 },
    ...{ dataset: 'a', tokenizer: 'bytes', batch: 1, tokensPerStep: 64, phases: [phase], device: { kind: 'cpu' } },
    ...changes,
  });
const mix = (...names: string[]) => names.map((dataset) => ({ dataset }));

it('a run is called by all that it trains on, in the order in which it does', () => {
  expect(dataTitle(configOf())).toBe('a');
  expect(dataTitle(configOf({ mix: mix('a', 'b', 'c') }))).toBe('a + b + c');
  expect(dataTitle(configOf({ phases: [phase, phase, { ...phase, dataset: 'b' }] }))).toBe('a, then b');
  expect(dataTitle(configOf({ phases: [phase, { ...phase, mix: mix('a', 'b') }, phase] }))).toBe(
    'a, then a + b, then a',
  );
  const parts = [
    { dataset: 'a', subset: { from: 0, to: 50 } },
    { dataset: 'a', subset: { from: 50, to: 60 } },
  ];
  expect(dataTitle(configOf({ mix: parts }))).toBe('a');
});

it('a dataset that is too short for a validation loss of its own is named before and with the run', async () => {
  const home = tempDir();
  const write = async (name: string, times: number): Promise<void> => {
    const file = path.join(tempDir(), 'text.txt');
    fs.writeFileSync(file, 'she sells sea shells. '.repeat(times));
    await prepareDataset({ home, inputs: [file], tokenizer: 'bytes', name });
  };
  for (const [name, times] of [['a', 200], ['long', 200], ['short', 20]] as const) await write(name, times); // prettier-ignore
  const config = configOf({ mix: mix('a', 'long', 'short') });
  const notes = notValidated(home, config);
  expect(notes).toEqual([
    'The validation part of short has 44 tokens, fewer than a sequence (65): no validation loss is computed for it. It is trained on all the same.',
  ]);
  expect(notValidated(home, configOf({ mix: mix('a', 'gone') }))).toEqual([]);
  expect(notValidated(home, { ...config, evaluation: { ...config.evaluation, datasetSequences: 0 } })).toEqual([]);
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  const { id } = await studio.runs.create(config, 'n');
  expect(studio.store.events.list(id).map((e) => e.message)).toEqual(notes);
  // What can't be read is another fault, which is told elsewhere.
  fs.writeFileSync(path.join(home, 'datasets', 'short', 'dataset.json'), '{');
  expect(notValidated(home, config)).toEqual([]);
});
