import { validationWindows } from '../../data/sampling/index.ts';
import { getTokenizer, tokenizerContent } from '../../data/tokenizers/index.ts';
import { readQuestions } from '../../evals/hellaswag/questions.ts';
import { readSafetensorsHeader, SafetensorsFile } from '../../exchange/safetensors/index.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import type { RunConfig } from '../config.ts';
import { openDevice, type OpenedDevice } from '../devices/open.ts';
import type { RunEvent } from '../trainer/events.ts';
import type { InitialWeights } from '../trainer/initialWeights.ts';
import type { TrainerOptions } from '../trainer/options.ts';
import { Trainer } from '../trainer/trainer.ts';
import { readTrainerState } from '../trainer/snapshot.ts';
import { openSources } from '../trainer/windows.ts';
import type { StartedEvent, StartedMemory, ToEngine } from './messages.ts';
import { RunData } from './sources.ts';

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

/** How much of what the driver holds was held before programs were loaded: what a later run can count on. */
const withContext = (event: StartedEvent, { contextBytes }: OpenedDevice): RunEvent => {
  const memory: StartedMemory = { ...event.memory, ...(contextBytes === undefined ? {} : { contextBytes }) };
  return { ...event, memory };
};

/** What checkpoints carry so that their tokens can be read without the home that they were made in. */
function tokenizerFileOf({ tokenizer }: RunConfig): Pick<TrainerOptions, 'tokenizerFile'> {
  const file = tokenizerContent(tokenizer);
  return file ? { tokenizerFile: file } : {};
}

/** Opens what a run needs (dataset, device, checkpoint) and makes its trainer. */
export async function startRun(
  {
    config,
    datasetDirs,
    checkpointRoot,
    productsFile,
    heldBy,
    hellaswag: asked,
    initialWeights,
    resumeFrom,
  }: Extract<ToEngine, { type: 'start' }>,
  studio: Pick<TrainerOptions, 'emit' | 'flush'>,
): Promise<Trainer> {
  const training = new RunData(config, datasetDirs);
  // Whatever a phase trains on: the curve must stay comparable.
  const val = training.dataset(config.dataset).split('val');
  const validation = validationWindows(val, config.model.contextLength, config.evaluation.sequences);
  const opened = await openDevice(config.device, config.precision, productsFile, heldBy);
  const from = resumeFrom === undefined ? undefined : await openCheckpoint(resumeFrom);
  // All that is still to be trained on, now rather than in three days.
  openSources(training, config, from ? readTrainerState(from.state).step : 0);
  const tokenizer = getTokenizer(config.tokenizer);
  const { hellaswagItems } = config.evaluation;
  const hellaswag = asked
    ? { hellaswag: { questions: readQuestions(asked.file, hellaswagItems, tokenizer), key: asked.key } }
    : {};
  const initial = initialWeights ? { initial: await readWeights(initialWeights) } : {};
  const options = {
    config,
    ...opened,
    training,
    validation,
    tokenizer,
    ...tokenizerFileOf(config),
    checkpointRoot,
    ...hellaswag,
    ...initial,
    ...studio,
    emit: (event: RunEvent) => studio.emit(event.type === 'started' ? withContext(event, opened) : event),
  };
  return Trainer.create(options, from);
}
