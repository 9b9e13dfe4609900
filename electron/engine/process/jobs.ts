import { validationWindows } from '../../data/sampling/index.ts';
import { openDataset } from '../../data/shards/index.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { openCheckpoint } from '../checkpoint/index.ts';
import { evaluate } from '../evaluate.ts';
import { generateFrom } from '../generate.ts';
import type { FromJob, Job } from './messages.ts';

/** Does a job and tells what comes of it, piece by piece. */
export async function runJob(job: Job, tell: (message: FromJob) => Promise<void>): Promise<void> {
  const { config } = job;
  const checkpoint = await openCheckpoint(job.checkpoint);
  if (job.type === 'generate') {
    const tokenizer = getTokenizer(config.tokenizer);
    const ids = job.prompt === '' ? [tokenizer.endOfText] : Array.from(tokenizer.encode(job.prompt));
    const decoder = tokenizer.streamDecoder();
    for await (const token of generateFrom(checkpoint, config, ids, {
      ...job.sampling,
      endOfText: tokenizer.endOfText,
    }))
      await tell({ type: 'text', text: decoder.push(token) });
    await tell({ type: 'text', text: decoder.end() });
    return;
  }
  const dataset = openDataset(job.datasetDir);
  const windows = validationWindows(dataset.split('val'), config.model.contextLength, job.sequences);
  const value = await evaluate(checkpoint, config, windows, (done) => {
    void tell({ type: 'progress', done, total: windows.count });
  });
  await tell({ type: 'result', value });
}
