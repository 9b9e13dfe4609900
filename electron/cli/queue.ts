import { type Command, Option } from 'commander';
import { UsageError, UserError } from '../base/errors.ts';
import { plural } from '../base/format.ts';
import { hoursSchema, isWithin } from '../studio/jobs/hours.ts';
import { readSettings, type Settings, writeSettings } from '../studio/settings.ts';
import type { Studio } from '../studio/studio.ts';
import { findRun, runHelp } from './checkpointArgument.ts';
import { onInterrupt } from './interrupts.ts';
import { jobTable, parseJob, withStudio } from './jobs.ts';

/** How often it is looked whether the queue is empty, milliseconds. */
const lookMs = 250;

export function addQueue(queue: Command): void {
  queue.action((_: unknown, self: Command) => withStudio(self, 'read', show));
  queue
    .command('add')
    .description('queue a run that is not training, to resume in its turn (a new one: trainyard train --queue)')
    .argument('<run>', runHelp)
    .action((id: string, _: unknown, self: Command) =>
      withStudio(self, 'write', (studio) => {
        const run = findRun(studio, id);
        studio.runs.enqueue(run);
        console.log(`${run.id}: queued`);
      }),
    );
  queue
    .command('move')
    .description('change the order of the queue')
    .argument('<job>', `number of a queued job, or ${runHelp} of a queued run`)
    .option('--before <job>', 'another queued job')
    .addOption(new Option('--last', 'behind all').conflicts('before'))
    .action((id: string, _: unknown, self: Command) =>
      withStudio(self, 'write', (studio) => {
        const { before, last } = self.opts<{ before?: string; last?: boolean }>();
        if (before === undefined && !last) throw new UsageError('Say where it goes: --before a job, or --last.');
        studio.jobs.move(queuedJob(studio, id), before === undefined ? null : queuedJob(studio, before));
        show(studio);
      }),
    );
  queue
    .command('pause')
    .description('start no queued runs, and pause the one that is training from the queue')
    .action((_: unknown, self: Command) => withStudio(self, 'write', (studio) => change(studio, { paused: true })));
  queue
    .command('resume')
    .description('resume the queue')
    .action((_: unknown, self: Command) => withStudio(self, 'write', (studio) => change(studio, { paused: false })));
  queue
    .command('hours')
    .description('train queued runs only during these hours: runs are paused and resumed bit-exactly')
    .argument('<hours>', 'such as 22:00-07:00, by the clock of this machine; any: the whole day')
    .action((hours: string, _: unknown, self: Command) =>
      withStudio(self, 'write', (studio) => change(studio, { hours: hours === 'any' ? null : parseHours(hours) })),
    );
  queue
    .command('work')
    .description('run what is queued here, until the queue is empty; an open studio does that by itself')
    .action((_: unknown, self: Command) => withStudio(self, 'write', work));
}

/** The job that a text means: by its number, or by the run that it trains. @throws UserError when there is none */
function queuedJob(studio: Studio, text: string): number {
  if (/^\d+$/.test(text)) return parseJob(text);
  const run = findRun(studio, text);
  const job = studio.jobs
    .list()
    .find(({ kind, state, run: of }) => kind === 'train' && state === 'queued' && of === run.id);
  if (!job) throw new UserError(`The run ${run.name} is not queued: queue it with \`trainyard queue add ${run.id}\`.`);
  return job.id;
}

/** @throws UsageError where they are no hours */
export function parseHours(text: string): string {
  const result = hoursSchema.safeParse(text);
  if (!result.success) throw new UsageError(`${text}: ${result.error.issues[0]!.message}.`);
  return result.data;
}

function change(studio: Studio, changed: Partial<Settings['queue']>): void {
  const { queue } = readSettings(studio.home);
  writeSettings(studio.home, { queue: { ...queue, ...changed } });
  show(studio);
}

function show(studio: Studio): void {
  const { paused, hours } = readSettings(studio.home).queue;
  const jobs = studio.jobs.list().filter((job) => job.endedAt === null);
  if (jobs.length === 0) console.log('Nothing is queued.');
  else console.log(jobTable(jobs));
  if (paused) console.error('The queue is paused: resume it with `trainyard queue resume`.');
  if (hours !== null)
    console.error(`It trains from ${hours.replace('-', ' to ')}${isWithin(hours, new Date()) ? '' : ', not now'}.`);
}

async function work(studio: Studio): Promise<void> {
  const isLeft = (): boolean => studio.jobs.list().some((job) => job.endedAt === null);
  if (!isLeft()) return console.log('Nothing is queued.');
  const before = new Set(
    studio.jobs
      .list()
      .filter((job) => job.endedAt !== null)
      .map((job) => job.id),
  );
  let interrupted = 0;
  studio.jobs.work();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => isLeft() || end(), lookMs);
    const off = onInterrupt(({ count, exitCode }) => {
      if (count > 1) process.exit(exitCode);
      interrupted = exitCode;
      console.error('saving what trains; Ctrl-C again ends it now');
      end();
    });
    const end = (): void => {
      clearInterval(timer);
      off();
      resolve();
    };
  });
  await studio.jobs.shutdown();
  const ended = studio.jobs.list().filter((job) => job.endedAt !== null && !before.has(job.id));
  if (ended.length > 0) console.log(jobTable(ended));
  const failed = ended.filter((job) => job.state === 'failed').length;
  if (failed > 0) {
    console.error(`trainyard: ${plural(failed, 'job')} failed`);
    process.exitCode = 1;
  }
  if (interrupted > 0) process.exitCode = interrupted;
}
