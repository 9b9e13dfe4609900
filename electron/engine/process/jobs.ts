import { validationWindows } from '../../data/sampling/index.ts';
import { openDataset } from '../../data/shards/index.ts';
import { prepareDataset } from '../../data/corpus/prepare.ts';
import { yieldToOthers } from '../../data/priority.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import { readQuestions } from '../../evals/hellaswag/questions.ts';
import { evaluate, hellaswag } from '../evaluate.ts';
import { bytesOf } from '../trainer/windows.ts';
import { writeText } from '../generate.ts';
import type { FromJob, Job, PrepareJob } from './messages.ts';

/** Does a job and tells what comes of it, piece by piece. */
export async function runJob(job: Job, tell: (message: FromJob) => Promise<void>, signal: AbortSignal): Promise<void> {
  if (job.type === 'prepare') return prepare(job, tell, signal);
  const { config, place } = job;
  const checkpoint = await openCheckpoint(job.checkpoint);
  if (job.type === 'generate') {
    for await (const { kind, text } of writeText(checkpoint, config, job.prompt, job.sampling, place))
      await tell({ type: kind, text });
    return;
  }
  if (job.type === 'hellaswag') {
    const questions = readQuestions(job.file, job.items, getTokenizer(config.tokenizer));
    for (const index of job.done) questions.delete(index);
    for await (const scores of hellaswag(checkpoint, config, questions, place)) await tell({ type: 'scores', scores });
    return;
  }
  const dataset = openDataset(job.datasetDir);
  const windows = validationWindows(dataset.split('val'), config.model.contextLength, job.sequences);
  const value = await evaluate(checkpoint, config, windows, place, (done) => {
    void tell({ type: 'progress', done, total: windows.count });
  });
  const bytes = bytesOf(windows, getTokenizer(config.tokenizer));
  await tell({ type: 'result', value, tokens: windows.count * config.model.contextLength, bytes });
}

/** How often it is told how far it is. */
const tellMs = 200;

async function prepare(
  { options }: PrepareJob,
  tell: (message: FromJob) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  yieldToOthers();
  let told = 0;
  const { name } = await prepareDataset({
    ...options,
    signal,
    onProgress(progress) {
      if (performance.now() - told < tellMs) return;
      told = performance.now();
      void tell({ type: 'preparing', progress });
    },
  });
  const { user, system } = process.cpuUsage();
  const peakBytes = 1024 * process.resourceUsage().maxRSS;
  await tell({ type: 'prepared', name, cpuSeconds: (user + system) / 1e6, peakBytes });
}
