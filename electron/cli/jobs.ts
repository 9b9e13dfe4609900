import type { Command } from 'commander';
import { formatBytes, formatCount, formatDuration, plural } from '../base/format.ts';
import { UsageError } from '../base/errors.ts';
import { resolveHome } from '../studio/home.ts';
import type { JobProgress, JobRecord } from '../studio/store/index.ts';
import { Studio } from '../studio/studio.ts';
import { parseInteger } from './numbers.ts';
import { table } from './terminal/table.ts';
import { oneLine, printable } from './terminal/text.ts';

interface Options {
  readonly home?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Ended jobs that are listed where not all are asked for. */
const shownEnded = 10;

export function addJobs(jobs: Command): void {
  jobs
    .option('--all', 'all that ended, too, not only the latest')
    .option('--json', 'one JSON object a line')
    .action((_: unknown, self: Command) => list(self.optsWithGlobals<Options>()));
  jobs
    .command('cancel')
    .description('cancel a job, in whatever process it runs; progress that can be resumed is kept')
    .argument('<job>', 'number of a job, as `trainyard jobs` lists it')
    .action((id: string, _: unknown, self: Command) =>
      withStudio(self, 'write', (studio) => {
        const job = studio.jobs.get(parseJob(id));
        if (job.endedAt !== null) throw new UsageError(`Job ${job.id} is already ${job.state}.`);
        studio.jobs.cancel(job.id);
        console.log(`${job.id}: ${job.state === 'queued' ? 'removed from the queue' : 'cancelling'}`);
      }),
    );
  jobs
    .command('log')
    .description('show the log of a job')
    .argument('<job>', 'number of a job, as `trainyard jobs` lists it')
    .action((id: string, _: unknown, self: Command) =>
      withStudio(self, 'read', (studio) => {
        const job = studio.jobs.get(parseJob(id));
        console.log(`${job.title}: ${job.state}`);
        for (const { time, message } of studio.store.jobs.log(job.id))
          console.log(`${clock(time)}  ${printable(message)}`);
        if (job.message !== null) console.log(`${clock(job.endedAt ?? job.createdAt)}  ${printable(job.message)}`);
      }),
    );
  jobs
    .command('forget')
    .description('forget the jobs that ended; what came of them stays')
    .action((_: unknown, self: Command) =>
      withStudio(self, 'write', (studio) => {
        console.log(`${formatCount(studio.store.jobs.forget())} forgotten`);
      }),
    );
}

/** @throws UsageError where it is no number of a job */
export const parseJob = (text: string): number => parseInteger('A job', text, 1);

const clock = (time: number): string => new Date(time).toISOString().slice(0, 19).replace('T', ' ');

/** Does something with the home's studio, and closes it. */
export async function withStudio(
  self: Command,
  use: 'read' | 'write',
  work: (studio: Studio) => void | Promise<void>,
): Promise<void> {
  const home = resolveHome(self.optsWithGlobals<Options>().home, use);
  const studio = use === 'write' ? Studio.open(home) : Studio.look(home);
  try {
    await work(studio);
  } finally {
    studio.close();
  }
}

function list(options: Options): void {
  const studio = Studio.look(resolveHome(options.home, 'read'));
  try {
    const all = studio.jobs.list();
    const ended = all.filter((job) => job.endedAt !== null);
    const jobs = options.all ? all : all.filter((job) => job.endedAt === null || ended.indexOf(job) < shownEnded);
    if (options.json) {
      for (const { output: _, ...job } of jobs) console.log(JSON.stringify(job));
      return;
    }
    if (jobs.length === 0) return console.log('There are no jobs.');
    console.log(jobTable(jobs));
    if (jobs.length < all.length)
      console.error(`${plural(all.length - jobs.length, 'older job')}: trainyard jobs --all`);
  } finally {
    studio.close();
  }
}

/** Characters of a message that a list has; `jobs log` has all of it. */
const listedMessage = 80;

/** Jobs, a line each. */
export function jobTable(jobs: readonly JobRecord[]): string {
  const rows = jobs.map((job) => [
    job.id,
    printable(job.title),
    job.state,
    shownProgress(job.progress),
    taken(job),
    job.pid === null ? '' : String(job.pid),
    oneLine(job.message ?? '', listedMessage),
  ]);
  return table(['job', 'what', 'state', 'progress', 'time', 'process', 'message'], rows);
}

function taken({ startedAt, endedAt }: JobRecord): string {
  return startedAt === null ? '' : formatDuration(((endedAt ?? Date.now()) - startedAt) / 1000);
}

/** `12 of 40 items`, `1.50 GiB of 3.00 GiB`. */
export function shownProgress(progress: JobProgress | null): string {
  if (!progress) return '';
  const { done, total, unit } = progress;
  if (unit === 'bytes') return `${formatBytes(done)} of ${formatBytes(total)}`;
  return `${formatCount(done)} of ${formatCount(total)} ${unit}`;
}
