import { expect, it } from 'vitest';
import { hasCpu } from '../engine/devices.ts';
import { lack, where } from '../frame/needs.ts';
import { jsonLines, runCli } from './run.ts';
import { workplace } from './workplace.ts';

interface Job {
  readonly id: number;
  readonly kind: string;
  readonly run: string;
  readonly state: string;
}

async function queued(...names: string[]) {
  const { command, train } = workplace();
  const cli = (...args: string[]) => runCli(command(...args));
  for (const name of names)
    expect((await runCli([...train({ '--steps': 8, '--warmup-steps': 2 }), '--name', name, '--queue'])).code).toBe(0);
  const jobs = async () =>
    (jsonLines((await cli('jobs', '--all', '--json')).stdout) as unknown as Job[]).filter(
      (job) => job.kind === 'train',
    );
  const order = async () => (await cli('queue')).stdout.match(/Train \w+/g);
  return { cli, jobs, order };
}

it('the queue is put into another order by the numbers of its jobs and by the runs that they train', async () => {
  const { cli, jobs, order } = await queued('red', 'green', 'blue');
  expect(await order()).toEqual(['Train red', 'Train green', 'Train blue']);
  const [red] = (await jobs()).toSorted((a, b) => a.id - b.id);
  expect((await cli('queue', 'move', 'blue', '--before', String(red!.id))).code).toBe(0);
  expect(await order()).toEqual(['Train blue', 'Train red', 'Train green']);
  expect((await cli('queue', 'move', red!.run, '--last')).stdout.match(/Train \w+/g)).toEqual([
    'Train blue',
    'Train green',
    'Train red',
  ]);
  for (const [args, code, message] of [
    [['red'], 2, /Say where it goes/],
    [['yellow', '--last'], 1, /yellow/],
    [['99', '--last'], 1, /job 99 is not queued/],
    [['red', '--before', 'yellow'], 1, /yellow/],
  ] as const) {
    const wrong = await cli('queue', 'move', ...args);
    expect([wrong.code, wrong.stderr]).toEqual([code, expect.stringMatching(message)]);
  }
  expect((await cli('pause', 'red')).code).toBe(0);
  expect(await cli('queue', 'move', 'red', '--last')).toMatchObject({
    code: 1,
    stderr: `trainyard: The run red is not queued: queue it with \`trainyard queue add ${red!.run}\`.\n`,
  });
  expect(await order()).toEqual(['Train blue', 'Train green']);
});

where(it, [hasCpu, lack.cpu])('a paused queue waits, and one at work trains all that is in it', async () => {
  const { cli, jobs } = await queued('red', 'green');
  expect((await cli('queue', 'pause')).stderr).toContain('The queue is paused');
  expect((await cli('queue', 'resume')).stderr).toBe('');
  expect((await cli('queue', 'hours', '25:00-07:00')).code).toBe(2);
  const { code, stdout } = await cli('queue', 'work');
  expect([code, stdout.match(/Train \w+ +done +8 of 8 steps/g)?.length]).toEqual([0, 2]);
  expect((await jobs()).map(({ state }) => state)).toEqual(['done', 'done']);
  expect((await cli('queue')).stdout).toBe('Nothing is queued.\n');
  expect((await cli('jobs', 'forget')).stdout).toMatch(/^\d+ forgotten\n$/);
});
