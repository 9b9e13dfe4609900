import { validationWindows } from '../../data/sampling/index.ts';
import { getTokenizer, tokenizerContent } from '../../data/tokenizers/index.ts';
import { readQuestions } from '../../evals/hellaswag/questions.ts';
import { readSafetensorsHeader, SafetensorsFile } from '../../exchange/safetensors/index.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from '../run/config.ts';
import { machineFigures, openDevice } from '../devices/choose.ts';
import type { Outcome } from '../run/events.ts';
import type { InitialWeights } from '../run/initialWeights.ts';
import { openSources, RunData } from '../run/data.ts';
import type { Requests } from '../run/requests.ts';
import { openRun, type RunOptions } from '../run/run.ts';
import { readTrainerState } from '../run/state.ts';
import { SystemWatch } from '../run/systemWatch.ts';
import { train } from '../train.ts';
import type { ToEngine } from './messages.ts';

/** Weights of a file, tensor by tensor. It is opened for each: a run may go back to its beginning after days. */
async function readWeights(file: string): Promise<InitialWeights> {
  await readSafetensorsHeader(file);
  return {
    async tensor(name) {
      const opened = await SafetensorsFile.open(file);
      try {
        return await opened.readFloat32(name);
      } finally {
        await opened.close();
      }
    },
  };
}

/** What checkpoints carry so that their tokens can be read without the home that they were made in. */
function tokenizerFileOf({ tokenizer }: RunConfig): Pick<RunOptions, 'tokenizerFile'> {
  const file = tokenizerContent(tokenizer);
  return file ? { tokenizerFile: file } : {};
}

/** Opens what a run needs (datasets, device, checkpoint) and trains it. */
export async function startRun(
  {
    config,
    admission,
    datasetDirs,
    checkpointRoot,
    findings,
    heldBy,
    hellaswag: asked,
    initialWeights,
    resumeFrom,
  }: Extract<ToEngine, { type: 'start' }>,
  requests: Requests,
  studio: Pick<RunOptions, 'emit' | 'flush'>,
): Promise<Outcome> {
  const training = new RunData(config, datasetDirs);
  // Whatever a phase trains on: the curve must stay comparable.
  const val = training.dataset(config.dataset).split('val');
  const validation = validationWindows(val, config.model.contextLength, config.evaluation.sequences);
  const opened = await openDevice(config.device, {
    precision: config.precision,
    findings,
    ...(heldBy ? { heldBy } : {}),
  });
  const from = resumeFrom === undefined ? undefined : await openCheckpoint(resumeFrom);
  // All that is still to be trained on, now rather than in three days.
  openSources(training, config, from ? readTrainerState(from.state).step : 0);
  const tokenizer = getTokenizer(config.tokenizer);
  const { hellaswagItems } = config.evaluation;
  const hellaswag = asked
    ? { hellaswag: { questions: readQuestions(asked.file, hellaswagItems, tokenizer), key: asked.key } }
    : {};
  const initial = initialWeights ? { initial: await readWeights(initialWeights) } : {};
  const system = new SystemWatch({ machine: machineFigures(), device: opened.device.figures });
  const options = {
    config,
    ...(admission ? { admission } : {}),
    ...opened,
    peakFlops: opened.peakFlops(),
    training,
    validation,
    validationOf: (dataset: string) =>
      validationWindows(
        training.dataset(dataset).split('val'),
        config.model.contextLength,
        config.evaluation.datasetSequences,
      ),
    tokenizer,
    ...tokenizerFileOf(config),
    checkpointRoot,
    ...hellaswag,
    ...initial,
    system,
    ...studio,
  };
  const run = await openRun(options, requests, from);
  const stop = system.start();
  try {
    return await train(run);
  } finally {
    stop();
  }
}
