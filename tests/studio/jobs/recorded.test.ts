import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { UserError } from '../../../electron/base/errors.ts';
import { packageFile } from '../../../electron/base/paths.ts';
import { JobEnded } from '../../../electron/studio/jobs/kind.ts';
import { Studio } from '../../../electron/studio/studio.ts';
import { tempDir } from '../../temp.ts';

function open(home = tempDir()): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.shutdown());
  return studio;
}

const job = { kind: 'fetch', input: { from: 'far' }, described: { title: 'Fetch something', slot: 'files' } };

/** Work that ends when it is told to. */
function held() {
  let end = (_result: object): void => {};
  const until = new Promise<object>((resolve) => (end = resolve));
  return { until, end };
}

const rejectedBy = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('work of a command', () => {
  it('is a job that other processes see while it goes on, and when it is done', async () => {
    const here = open();
    const other = open(here.home);
    const { until, end } = held();
    const work = here.jobs.record(job, new AbortController(), async ({ progress, write, log }) => {
      progress({ done: 1, total: 4, unit: 'files' });
      write('so far ');
      log('it began');
      return until;
    });
    const [seen] = other.jobs.list();
    expect(seen).toMatchObject({ title: 'Fetch something', kind: 'fetch', state: 'running', slot: 'files' });
    expect(seen).toMatchObject({ pid: process.pid, restarts: false, input: { from: 'far' } });
    await expect.poll(() => other.jobs.get(seen!.id)).toMatchObject({ progress: { done: 1 }, output: 'so far ' });
    end({ files: 4 });
    expect(await work).toEqual({ files: 4 });
    expect(other.jobs.get(seen!.id)).toMatchObject({ state: 'done', result: { files: 4 }, pid: null });
    expect(other.store.jobs.log(seen!.id)).toMatchObject([{ message: 'it began' }]);
  });

  it('that fails throws what it threw, and says why', async () => {
    const studio = open();
    const work = studio.jobs.record(job, new AbortController(), async () => {
      throw new UserError('The drive is gone: connect it.');
    });
    await expect(work).rejects.toThrow('The drive is gone');
    expect(studio.jobs.list()).toMatchObject([{ state: 'failed', message: 'The drive is gone: connect it.' }]);
  });

  it('is ended by whoever cancels it elsewhere', async () => {
    const here = open();
    const other = open(here.home);
    const controller = new AbortController();
    const work = here.jobs.record(job, controller, ({ signal }) => rejectedBy(signal));
    const ended = expect(work).rejects.toBeInstanceOf(JobEnded);
    other.jobs.cancel(other.jobs.list()[0]!.id);
    await ended;
    expect(controller.signal.aborted).toBe(true);
    expect(other.jobs.list()).toMatchObject([{ state: 'cancelled', pid: null }]);
  });

  it('that its own user stops is cancelled, also where its process ends before it has tidied up', async () => {
    const here = open();
    const controller = new AbortController();
    const { until, end } = held();
    const work = here.jobs.record(job, controller, () => until);
    controller.abort(new JobEnded('stopped in its terminal'));
    expect(here.jobs.list()).toMatchObject([{ state: 'running', cancelAsked: true }]);
    end({});
    await work;
    const stopped = here.jobs.record(job, new AbortController(), async ({ signal: _ }) => {
      throw new JobEnded('stopped in its terminal');
    });
    await expect(stopped).rejects.toThrow('stopped');
    expect(here.jobs.list()[0]).toMatchObject({ state: 'cancelled', message: 'stopped in its terminal' });
  });

  it('is failed when its process is gone, and nobody begins it again', async () => {
    const studio = open();
    const script = `
      const { Studio } = await import(${JSON.stringify(packageFile('electron/studio/studio.ts'))});
      const studio = Studio.open(${JSON.stringify(studio.home)});
      void studio.jobs.record(${JSON.stringify(job)}, new AbortController(), () => new Promise(() => {}));
      setInterval(() => {}, 1000);
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
    onTestFinished(() => void child.kill('SIGKILL'));
    await expect.poll(() => studio.jobs.list()).toMatchObject([{ state: 'running', pid: child.pid }]);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    studio.jobs.work();
    await expect.poll(() => studio.jobs.list()).toMatchObject([{ state: 'failed', attempts: 1 }]);
    expect(studio.jobs.list()[0]!.message).toMatch(/crashed or was killed/);
  });

  it('is done without a record where the home can only be read', async () => {
    const studio = open();
    studio.store.jobs.add = () => {
      throw new UserError('The database is read-only.');
    };
    expect(await studio.jobs.record(job, new AbortController(), async () => 'done')).toBe('done');
    expect(studio.jobs.list()).toEqual([]);
  });
});
