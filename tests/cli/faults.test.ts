import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../electron/engine/checkpoint/index.ts';
import { tempDir } from '../temp.ts';
import { canMount, smallDisk } from './fullDisk.ts';
import { type CliResult, jsonLines, runCli } from './run.ts';
import { endOf, oneLineOf, outcome, remains, startUntil, uninterrupted, workplace } from './workplace.ts';
import { lack, posix, where } from '../frame/needs.ts';

/** The run has failed, has said so in the one line that is stored too, and nobody owns it. */
function expectFailed({ code, stdout, stderr }: CliResult, home: string, message: RegExp) {
  expect([code, stderr]).toEqual([1, '']);
  const end = endOf(stdout);
  expect(end).toMatchObject({ type: 'end', state: 'failed' });
  expect(end.message).toMatch(message);
  expect(end.message).not.toContain('\n');
  const left = remains(home);
  expect(left.run).toMatchObject({ state: 'failed', pid: null, message: end.message });
  expect(left.events.at(-1)).toMatchObject({ kind: 'failed', level: 'error', message: end.message });
  return { ...left, end };
}

describe('a loss that is no number', () => {
  const absurd = {
    '--lr': 10,
    '--min-lr': 10,
    '--warmup-steps': 0,
    '--weight-decay': 1,
    '--beta2': 0,
    '--grad-clip': 0,
  };

  it('ends the run, with a checkpoint that still writes text', async () => {
    const { home, train, command } = workplace();
    const result = await runCli(train({ ...absurd, '--checkpoint-every': 1, '--keep-last': 1, '--eval-every': 1 }));
    const { run, root, folders, end, metrics } = expectFailed(
      result,
      home,
      /not finite .*rate 10.*lower learning rate/,
    );
    expect(end.resumable).toBe(false);
    for (const { loss } of metrics) expect(Number.isFinite(loss)).toBe(true);
    const step = Number(/the latest checkpoint is at step ([\d,]+)/.exec(end.message)![1]);
    expect(folders).toContain(`step-${String(step).padStart(6, '0')}`);
    const weights = await (await openCheckpoint(path.join(root, folders.at(-1)!))).model('wte.weight');
    expect(weights.every(Number.isFinite)).toBe(true);
    const generated = await runCli(command('generate', run.id, '--tokens', '5'));
    expect([generated.code, generated.stderr]).toEqual([0, '']);
    // Going on is no way out: it comes to the same step, and says the same.
    const again = await runCli(command('resume', run.id, '--json'));
    expect(again.code).toBe(1);
    expect(endOf(again.stdout).message).toBe(end.message);
  });
});

where(describe, [canMount, lack.mount])('a full disk', () => {
  it('ends the run in one line, and with space again it comes to the same bits', async () => {
    const changed = { '--steps': 200, '--eval-every': 50, '--sample-every': 100 };
    const expected = await uninterrupted(changed);
    const disk = await smallDisk(4096);
    const { home, train, command } = workplace(disk.outside);
    const inside = (args: readonly string[]) => args.map((arg) => arg.replace(disk.outside, disk.dir));
    const left = () => remains(disk.copy(home));
    const running = await startUntil(inside(train(changed)), 12, disk.via);
    // The engine gets no further than its next checkpoint meanwhile.
    running.child.kill('SIGSTOP');
    const before = left();
    const free = disk.fill();
    running.child.kill('SIGCONT');
    const { code, stdout, stderr } = await running.result;
    expect([code, stderr]).toEqual([1, '']);
    expect(endOf(stdout)).toMatchObject({ state: 'failed', resumable: true });
    expect(endOf(stdout).message).toMatch(/full|too little free space/);
    expect(endOf(stdout).message).toMatch(/make space|free some space/);
    expect(left().folders).toEqual(expect.arrayContaining(before.folders.filter((f) => !f.startsWith('.')).slice(-1)));

    const resume = inside(command('resume', before.run.id, '--json'));
    const still = await runCli(resume, {}, disk.via);
    expect(still.code).toBe(1);
    const reported = still.stderr === '' ? endOf(still.stdout).message : oneLineOf(still.stderr);
    expect(reported).toMatch(/full|too little free space/);

    free();
    const resumed = await runCli(resume, {}, disk.via);
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(outcome(left())).toEqual(expected);
  });
});

where(describe, posix)('a file that may not grow further', () => {
  /** Runs a command whose files may have so many KiB; POSIX counts them in halves. */
  const limited = (kib: number, args: readonly string[]) =>
    runCli(args, {}, ['sh', '-c', `ulimit -f ${2 * kib}; exec "$@"`, 'sh']);

  it('of a checkpoint ends the run; the checkpoint before is where it goes on', async () => {
    const { home, train, command } = workplace();
    const small = { '--steps': 40, '--sample-tokens': 0, '--tokens-per-step': 6400 };
    const expected = await uninterrupted(small);
    const stopped = await startUntil(train(small), 7);
    stopped.child.kill('SIGINT');
    await stopped.result;
    const { run } = remains(home);

    // More than the database and the weights, less than the optimizer's state.
    const result = await limited(200, command('resume', run.id, '--json'));
    const { folders } = expectFailed(
      result,
      home,
      /checkpoint of step \d+ was not written .*\(EFBIG\).*the checkpoint of step (\d+) .* is intact.*then resume/,
    );
    expect(folders).toContain(`step-${String(run.step).padStart(6, '0')}`);
    expect(folders.filter((name) => name.startsWith('.'))).toEqual([]);

    const resumed = await runCli(command('resume', run.id, '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(outcome(remains(home))).toEqual(expected);
  });

  it('of the database ends the run too, and what was stored stays', async () => {
    const { home, train, command } = workplace();
    const tiny = {
      '--layers': 1,
      '--heads': 1,
      '--width': 4,
      '--steps': 1500,
      '--checkpoint-every': 20,
      '--sample-tokens': 0,
    };
    const result = await limited(400, train({ ...tiny, '--eval-every': 10 }));
    expect([result.code, result.stderr]).toEqual([1, '']);
    const end = endOf(result.stdout);
    expect(end.state).toBe('failed');
    expect(end.message).toMatch(/can't be recorded: The database .*trainyard\.db: .*disk.*\(SQLITE_/);
    const { metrics, folders } = remains(home);
    const stored = metrics.map((m) => m.step);
    expect(stored).toEqual(stored.map((_, i) => i + 1));
    const last = Number(folders.at(-1)!.slice('step-'.length));
    expect(stored.length).toBeGreaterThanOrEqual(last);

    const resumed = await runCli(command('resume', String(jsonLines(result.stdout)[0]!.run), '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(remains(home).metrics.map((m) => m.step)).toEqual(Array.from({ length: 1500 }, (_, i) => i + 1));
  });
});

describe('a place that can not be written', () => {
  it.each([
    ['the home', (home: string) => fs.writeFileSync(home, '')],
    ['the folder above the home', (home: string) => fs.writeFileSync(path.dirname(home), '')],
    ['the database', (home: string) => fs.mkdirSync(path.join(home, 'trainyard.db'), { recursive: true })],
    [
      'the folder of the runs',
      (home: string) => {
        fs.mkdirSync(home, { recursive: true });
        fs.writeFileSync(path.join(home, 'runs'), '');
      },
    ],
    [
      'the folder of the datasets',
      (home: string) => {
        fs.mkdirSync(home, { recursive: true });
        fs.writeFileSync(path.join(home, 'datasets'), '');
      },
    ],
  ])('is named before anything is trained: %s is something else', async (_, spoil) => {
    const { train } = workplace();
    const home = path.join(tempDir(), 'above', 'home');
    if (!_.includes('above')) fs.mkdirSync(path.dirname(home));
    spoil(home);
    const { code, stdout, stderr } = await runCli(train().with(1, home));
    expect([code, stdout]).toEqual([1, '']);
    expect(oneLineOf(stderr)).toContain(home);
  });
});

describe('a run that is not at rest, or is no run', () => {
  it('is refused by resume, in one line', async () => {
    const { home, train, command } = workplace();
    const none = await runCli(command('resume', 'NOPE'));
    expect(none.code).toBe(1);
    expect(oneLineOf(none.stderr)).toMatch(/There is no run .*NOPE/);

    // Slow steps that learn nothing: it neither ends nor fails meanwhile.
    const slow = { '--steps': 5000, '--tokens-per-step': 6400, '--lr': 1e-5 };
    const running = await startUntil(train({ ...slow, '--checkpoint-every': 1000, '--eval-every': 1000 }), 2);
    const { id } = remains(home).run;
    const second = await runCli(command('resume', id, '--json'));
    expect([second.code, second.stdout]).toEqual([1, '']);
    expect(oneLineOf(second.stderr)).toMatch(
      new RegExp(`${id} is training now \\(process ${running.child.pid}\\): pause it`),
    );
    running.child.kill('SIGINT');
    expect((await running.result).code).toBe(0);
    const { metrics, events } = remains(home);
    expect(metrics.map((m) => m.step)).toEqual(metrics.map((_, i) => i + 1));
    expect(events.filter((e) => e.kind === 'started')).toHaveLength(1);
  });

  it('is trained by one of two that resume it at once', async () => {
    const { home, train, command } = workplace();
    const stopped = await startUntil(train({ '--steps': 300 }), 7);
    stopped.child.kill('SIGINT');
    await stopped.result;
    const { id } = remains(home).run;
    const both = await Promise.all([1, 2].map(() => runCli(command('resume', id, '--json'))));
    const [won, lost] = both.sort((a, b) => a.code! - b.code!);
    expect([won!.code, won!.stderr]).toEqual([0, '']);
    expect([lost!.code, lost!.stdout]).toEqual([1, '']);
    expect(oneLineOf(lost!.stderr)).toMatch(/pause it there first|is already finished/);
    const { run, metrics } = remains(home);
    expect(run.state).toBe('completed');
    expect(metrics.map((m) => m.step)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
  });
});
