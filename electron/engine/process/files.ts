import { verifyDataset } from '../../data/dataset/verify.ts';
import { yieldToOthers } from '../../data/prepare/priority.ts';
import { stageModel } from '../../exchange/models/stage.ts';
import { writeCheckpointModel } from '../../exchange/models/write.ts';
import type { FileJob, FromJob } from './messages.ts';

/** How often it is told how far it is, milliseconds. */
const reportMs = 100;

/** Reads, checks and writes files for the studio; what is stopped tidies up before it ends. */
export async function workOnFiles(
  job: FileJob,
  report: (message: FromJob) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  yieldToOthers();
  let reported = -Infinity;
  const onProgress = (done: number, total: number): void => {
    if (done < total && performance.now() - reported < reportMs) return;
    reported = performance.now();
    void report({ type: 'progress', done, total });
  };
  const course = { signal, onProgress };
  switch (job.type) {
    case 'import':
      return report({ type: 'staged', staged: await stageModel(job, course) });
    case 'export':
      return writeCheckpointModel(job, course);
    case 'verify':
      return report({ type: 'verified', ...(await verifyDataset(job.dir, course)) });
  }
}
