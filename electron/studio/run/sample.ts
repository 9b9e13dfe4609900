import fs from 'node:fs';
import path from 'node:path';
import { datasetNames } from '../../data/index.ts';
import { generateStories } from '../../data/stories/index.ts';
import { parseRunConfig, type RunConfig, type RunConfigInput } from '../../engine/run/config.ts';
import { completeDevice } from '../../engine/devices/choose.ts';
import type { Studio } from '../studio.ts';
import { beginRun, type StartedRun } from './begin.ts';

export const storyBytes = 2_000_000;
const steps = { warmup: 150, cosine: 2250, constant: 300 };
/** Beginnings that the stories know. */
export const storyPrompts = ['Once upon a time', 'One sunny day'];
const dataset = 'sample-stories';

/** A GPT of 0.8 M parameters over bytes, through warm-up, cosine and constant phases: minutes on any processor. */
export const storyConfig = (of: string, seed: number): RunConfigInput => ({
  model: { vocabSize: 257, contextLength: 256, nLayer: 4, nHead: 8, nEmbd: 128 },
  dataset: of,
  tokenizer: 'bytes',
  seed,
  batch: 4,
  tokensPerStep: 1024,
  phases: [
    { kind: 'warmup', steps: steps.warmup, from: 1e-4, to: 3e-3 },
    { kind: 'cosine', steps: steps.cosine, from: 3e-3, to: 3e-4 },
    { kind: 'constant', steps: steps.constant, from: 1e-4, to: 1e-4 },
  ],
  optimizer: { beta2: 0.99 },
  evaluation: { every: 300, sequences: 64 },
  sampling: { every: 0, prompts: storyPrompts, tokens: 700, temperature: 0.3 },
  checkpoints: { every: 600 },
});

/** Writes the stories into a home. @returns the file */
export function writeStories(home: string, seed: number): string {
  const file = path.join(home, 'demo', `stories-${seed}.txt`);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, generateStories({ seed, bytes: storyBytes }));
  return file;
}

const seed = 1337;

/**
 * Trains a first model on made-up stories, with nothing to fetch or to choose.
 * @returns the run, or the job that tokenizes the stories and then starts it
 * @throws UserError when this machine can't
 */
export async function trainOnStories(studio: Studio): Promise<StartedRun | { readonly job: number }> {
  const device = completeDevice(undefined);
  const config = (of: string): RunConfig => parseRunConfig({ ...storyConfig(of, seed), device });
  const run = { name: 'sample stories', preset: null };
  if (datasetNames(studio.home).includes(dataset)) return beginRun(studio, { ...run, config: config(dataset) });
  const paths = [writeStories(studio.home, seed)];
  const train = { ...run, config: config(dataset), standIn: dataset };
  const { id } = studio.jobs.submit('tokenize', {
    ...{ paths, name: dataset, tokenizer: 'bytes', valFraction: 0.05, train },
  });
  return { job: id };
}
