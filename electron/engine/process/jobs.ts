import { validationWindows } from '../../data/sampling/index.ts';
import { openDataset } from '../../data/dataset/index.ts';
import { prepareDataset } from '../../data/prepare/prepare.ts';
import { previewText } from '../../data/prepare/preview.ts';
import { yieldToOthers } from '../../data/prepare/priority.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { timeRun } from '../bench/timeRun.ts';
import { openChosen } from '../checkpoint/index.ts';
import { readQuestions } from '../../evals/hellaswag/questions.ts';
import { evaluate, hellaswag } from '../use/evaluate.ts';
import { bytesOf } from '../run/data.ts';
import { writeText } from '../use/generate.ts';
import { workOnFiles } from './files.ts';
import type { FromJob, Job, PrepareJob } from './messages.ts';

/** Does a job and tells what comes of it, piece by piece. */
export async function runJob(
  job: Job,
  report: (message: FromJob) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  if (job.type === 'prepare') return prepare(job, report, signal);
  if (job.type === 'preview') {
    yieldToOthers();
    return report({ type: 'previewed', preview: await previewText(job.options, signal) });
  }
  if (job.type === 'import' || job.type === 'export' || job.type === 'verify') return workOnFiles(job, report, signal);
  if (job.type === 'time') {
    for await (const timed of timeRun(job, signal)) await report({ type: 'timed', ...timed });
    return;
  }
  const { config, place } = job;
  const checkpoint = await openChosen(job.checkpoint);
  if (job.type === 'generate') {
    for await (const { kind, ...written } of writeText(checkpoint, config, job.prompt, job.sampling, place))
      await report({ type: kind, ...written } as FromJob);
    return;
  }
  if (job.type === 'hellaswag') {
    const questions = readQuestions(job.file, job.items, getTokenizer(config.tokenizer));
    for (const index of job.done) questions.delete(index);
    for await (const scores of hellaswag(checkpoint, config, questions, place))
      await report({ type: 'scores', scores });
    return;
  }
  const dataset = openDataset(job.datasetDir);
  const windows = validationWindows(dataset.split('val'), config.model.contextLength, job.sequences);
  const value = await evaluate(checkpoint, config, windows, place, (done) => {
    void report({ type: 'progress', done, total: windows.count });
  });
  const bytes = bytesOf(windows, getTokenizer(config.tokenizer));
  await report({ type: 'result', value, tokens: windows.count * config.model.contextLength, bytes });
}

/** How often it is told how far it is. */
const reportMs = 200;

async function prepare(
  { options }: PrepareJob,
  report: (message: FromJob) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  yieldToOthers();
  let reported = 0;
  const { name } = await prepareDataset({
    ...options,
    signal,
    onAnew: (text) => void report({ type: 'notice', text }),
    onProgress(progress) {
      if (performance.now() - reported < reportMs) return;
      reported = performance.now();
      void report({ type: 'preparing', progress });
    },
  });
  const { user, system } = process.cpuUsage();
  const peakBytes = 1024 * process.resourceUsage().maxRSS;
  await report({ type: 'prepared', name, cpuSeconds: (user + system) / 1e6, peakBytes });
}
