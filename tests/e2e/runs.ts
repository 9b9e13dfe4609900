import fs from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type Phase, type RunConfigInput } from '../../electron/engine/run/config.ts';
import { tempDir } from '../temp.ts';
import type { OpenStudio } from './browser.ts';

/** A run of some seconds that trains in an open studio. */
export async function startRun(
  { studio, home }: OpenStudio,
  name: string,
  phases: Phase[],
  changes: Partial<RunConfigInput> = {},
): Promise<string> {
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'she sells sea shells by the sea shore. '.repeat(300));
  const dataset = await prepareDataset({ home, inputs: [file], tokenizer: 'bytes' });
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 64, nLayer: 2, nHead: 2, nEmbd: 64 },
    dataset: dataset.name,
    tokenizer: 'bytes',
    batch: 8,
    tokensPerStep: 512,
    phases,
    evaluation: { every: 100, sequences: 4 },
    sampling: { tokens: 0 },
    checkpoints: { every: 50 },
    ...changes,
  });
  const run = await studio.runs.create(config, name);
  studio.training.start(run);
  return run.id;
}

export const constant = (steps: number, changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps,
  from: 1e-3,
  to: 1e-3,
  ...changes,
});
/** For a run that does nothing besides training but what it is asked for. */
export const onlyTraining = {
  evaluation: { every: 0, sequences: 4 },
  checkpoints: { every: 0 },
} satisfies Partial<RunConfigInput>;

/** Keys one behind the other, however long the way to the browser takes: they belong together only for a second. */
export const chord = (page: Page, ...keys: string[]): Promise<unknown> =>
  page.evaluate(`for (const key of ${JSON.stringify(keys)}) dispatchEvent(new KeyboardEvent('keydown', { key }))`);
export const state = (page: Page) => page.locator('main .state').first();
export const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
