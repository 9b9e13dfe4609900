import { validationWindows, WindowSampler } from '../../data/sampling/index.ts';
import { openDataset } from '../../data/shards/index.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { UserError } from '../../errors.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import { openDevice } from '../devices/open.ts';
import { Trainer, type TrainerOptions } from '../trainer/trainer.ts';
import type { ToEngine } from './messages.ts';

/** Opens what a run needs (dataset, device, checkpoint) and makes its trainer. */
export async function startRun(
  { config, datasetDir, checkpointRoot, resumeFrom }: Extract<ToEngine, { type: 'start' }>,
  studio: Pick<TrainerOptions, 'emit' | 'flush'>,
): Promise<Trainer> {
  const dataset = openDataset(datasetDir);
  const { contextLength, vocabSize } = config.model;
  if (dataset.manifest.vocabSize !== vocabSize) {
    throw new UserError(
      `The dataset ${dataset.manifest.name} has ${dataset.manifest.vocabSize} kinds of tokens and the model ${vocabSize}: they don't belong together.`,
    );
  }
  const training = new WindowSampler(dataset.split('train'), { contextLength, seed: config.seed });
  const validation = validationWindows(dataset.split('val'), contextLength, config.evaluation.sequences);
  const opened = await openDevice(config.device);
  const from = resumeFrom === undefined ? undefined : await openCheckpoint(resumeFrom);
  const tokenizer = getTokenizer(config.tokenizer);
  return Trainer.create({ config, ...opened, training, validation, tokenizer, checkpointRoot, ...studio }, from);
}
