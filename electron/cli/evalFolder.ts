import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { openCheckpoint } from '../engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/run/config.ts';
import { type DeviceChoice, deviceForJob } from '../engine/devices/choose.ts';
import { hellaswag } from '../engine/use/evaluate.ts';
import type { StoredWeights } from '../engine/run/tensors.ts';
import { readQuestions } from '../evals/hellaswag/questions.ts';
import { type HellaswagResult, type ItemScore, summarize } from '../evals/hellaswag/score.ts';
import { openModel } from '../exchange/models/open.ts';
import { importedConfig } from '../exchange/models/stage.ts';
import { untrained } from '../studio/exchange.ts';
import { reportMoved } from './device.ts';

/** Whether what is named is a folder, not a run. */
export const isFolder = (text: string): boolean => fs.statSync(text, { throwIfNoEntry: false })?.isDirectory() ?? false;

interface Opened {
  readonly weights: StoredWeights;
  readonly config: RunConfig;
  close(): Promise<void>;
}

/** A checkpoint's folder, or a Hugging Face model's. @throws UserError when it is neither */
async function openFolder(dir: string): Promise<Opened> {
  if (fs.existsSync(path.join(dir, 'state.json'))) {
    const weights = await openCheckpoint(dir);
    const { config } = z.object({ config: z.unknown() }).parse(weights.state);
    return { weights, config: parseRunConfig(config), async close() {} };
  }
  const { tensor, model, tokenizer, notices, close } = await openModel(dir);
  for (const notice of notices) console.error(`${dir}: ${notice}`);
  return { weights: { model: tensor }, config: importedConfig(model, tokenizer, untrained()), close };
}

/**
 * HellaSwag with the weights in a folder that belongs to no run: nothing is stored.
 * @param findings see `Opening`
 * @param device to work on, where it is not the one that it was trained on
 * @param onProgress told how many items are done, and of how many
 */
export async function hellaswagOfFolder(
  dir: string,
  file: string,
  items: number,
  findings: string,
  device: DeviceChoice | undefined,
  onProgress: (done: number, total: number) => void,
): Promise<HellaswagResult> {
  const { weights, config, close } = await openFolder(dir);
  try {
    const here = { ...config, device: deviceForJob(config.device, device) };
    reportMoved(config.device, here.device, device);
    const questions = readQuestions(file, items, getTokenizer(config.tokenizer));
    const all: ItemScore[] = [];
    for await (const scores of hellaswag(weights, here, questions, { findings })) {
      all.push(...scores);
      onProgress(all.length, questions.size);
    }
    return summarize(all);
  } finally {
    await close();
  }
}
