import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { lack, where } from '../frame/needs.ts';
import { corpora, manifestOf } from './corpora.ts';
import { hasPs, killTree } from './processes.ts';
import { jsonLines, startCli } from './run.ts';

/** Begins a dataset, and halts the process that makes it in the middle. */
async function halted(home: string, add: readonly string[]): Promise<ReturnType<typeof startCli>> {
  const datasets = path.join(home, 'datasets');
  const isStarted = () =>
    fs.existsSync(datasets) &&
    fs
      .readdirSync(datasets)
      .some((name) => name.endsWith('.corpus') && fs.existsSync(path.join(datasets, name, 'order.json')));
  for (;;) {
    const running = startCli(['--home', home, ...add]);
    while (!isStarted() && running.child.exitCode === null) await new Promise((r) => setTimeout(r, 5));
    running.child.kill('SIGSTOP');
    if (isStarted()) return running;
    // It was done before it was halted: once more.
    running.child.kill('SIGKILL');
    const { stderr } = await running.result;
    if (running.child.exitCode) throw new Error(stderr);
    fs.rmSync(datasets, { recursive: true, force: true });
  }
}

describe('a dataset whose making is stopped', () => {
  where(it, [hasPs, lack.ps])('goes on after kill -9 at any moment, to the same files', async () => {
    const { dir, folder, cli } = corpora();
    expect((await cli('whole', 'data', 'add', folder)).code).toBe(0);
    const whole = await manifestOf(cli, 'whole');
    let killed = 0;
    for (let done = false; !done && killed < 8; killed++) {
      const running = startCli(['--home', path.join(dir, 'killed'), 'data', 'add', folder]);
      const journal = path.join(dir, 'killed', 'datasets', `.${whole.name}.corpus`, 'journal.json');
      const before = fs.existsSync(journal) ? fs.statSync(journal).mtimeMs : 0;
      // When a file more is done, or in the middle of one.
      for (let i = 0; i < 400 && running.child.exitCode === null; i++) {
        if (fs.existsSync(journal) && fs.statSync(journal).mtimeMs > before) break;
        await new Promise((r) => setTimeout(r, 10));
      }
      await new Promise((r) => setTimeout(r, 17 * killed));
      done = running.child.exitCode !== null;
      if (!done) await killTree(running.child.pid!);
      await running.result;
    }
    expect((await cli('killed', 'data', 'add', folder)).code).toBe(0);
    const again = await manifestOf(cli, 'killed');
    expect({ ...again, createdAt: '' }).toEqual({ ...whole, createdAt: '' });
    expect((await cli('killed', 'data', 'verify', again.name)).code).toBe(0);
    expect(fs.readdirSync(path.join(dir, 'killed', 'datasets'))).toEqual([again.name]);
  });

  where(it, [hasPs, lack.ps])('is waited for by a run, lists what is unfinished, and removes it', async () => {
    const { dir, folder, cli } = corpora(8, 6000);
    const small = path.join(dir, 'small.txt');
    fs.writeFileSync(small, 'the quick brown fox jumps over the lazy dog. '.repeat(200));
    const add = ['data', 'add', folder, '--tokenizer', 'bytes'];
    const running = await halted(path.join(dir, 'home'), add);
    const unfinished = async () =>
      (jsonLines((await cli('home', 'data', 'list', '--json')).stdout) as { name: string; doneBytes?: number }[]).find(
        (d) => d.doneBytes !== undefined,
      );
    const making = (await unfinished())!;
    await killTree(running.child.pid!);
    await running.result;
    const { name } = making;
    expect((await cli('home', 'data', 'list')).stdout).toContain(`${name}: incomplete, progress saved`);

    const shape = '--layers 1 --heads 1 --width 16 --context 32 --batch 1 --sample-tokens 0 --tokenizer bytes'.split(
      ' ',
    );
    const started = await cli(
      'home',
      'train',
      '--text',
      small,
      ...shape,
      '--name',
      'waits',
      '--phase',
      'constant:2:1e-3',
    );
    expect(started.code).toBe(0);
    const go = (...flags: string[]) => cli('home', 'continue', 'waits', '--phase', 'constant:2:1e-3', ...flags);
    expect(await go('--data', name)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/is not finished: give --wait/),
    });
    const waiting = startCli([
      ...['--home', path.join(dir, 'home'), 'continue', 'waits', '--data', name, '--wait'],
      ...['--phase', 'constant:2:1e-3', '--json'],
    ]);
    while (!waiting.lines().some((l) => l.includes('"waiting"'))) await new Promise((r) => setTimeout(r, 20));
    expect((await cli('home', ...add)).code).toBe(0);
    const { code, stdout } = await waiting.result;
    expect([code, stdout.match(/"type":"metrics"/g)?.length]).toEqual([0, 2]);
    expect((await cli('home', 'show', 'waits')).stdout).toMatch(new RegExp(`${name} 0-100% +3–4 `));

    fs.writeFileSync(small, 'another text');
    const stopped = await halted(path.join(dir, 'other'), add);
    expect(await cli('other', 'data', 'remove', name)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/being tokenized by process/),
    });
    await killTree(stopped.child.pid!);
    await stopped.result;
    expect(await cli('other', 'data', 'remove', name)).toMatchObject({ code: 0 });
    expect(fs.readdirSync(path.join(dir, 'other', 'datasets'))).toEqual([]);
  });
});
