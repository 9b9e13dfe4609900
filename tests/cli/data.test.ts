import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { hasPs, killTree } from './processes.ts';
import { jsonLines, runCli, startCli } from './run.ts';

const line = (i: number): string =>
  JSON.stringify({ text: `Page ${i}. ${'It was a bright cold day in April. '.repeat(i % 30)}` });

function workplace(files = 6, documents = 3000) {
  const dir = tempDir();
  const folder = path.join(dir, 'chunk1');
  fs.mkdirSync(folder);
  for (let f = 0; f < files; f++) {
    const lines = Array.from({ length: documents }, (_, i) => line(f * documents + i)).join('\n');
    fs.writeFileSync(path.join(folder, `example_train_${f}.jsonl.zst`), zlib.zstdCompressSync(lines));
  }
  return { dir, folder, cli: (home: string, ...args: string[]) => runCli(['--home', path.join(dir, home), ...args]) };
}
const manifestOf = async (cli: ReturnType<typeof workplace>['cli'], home: string) => {
  const [manifest] = jsonLines((await cli(home, 'data', 'list', '--json')).stdout);
  return manifest as { name: string; shards: unknown; trainTokens: number; createdAt: string };
};

/** Begins a dataset, and halts the process that makes it in the middle. */
async function halted(home: string, add: readonly string[]): Promise<ReturnType<typeof startCli>> {
  const datasets = path.join(home, 'datasets');
  const isBegun = () =>
    fs.existsSync(datasets) &&
    fs
      .readdirSync(datasets)
      .some((name) => name.endsWith('.corpus') && fs.existsSync(path.join(datasets, name, 'order.json')));
  for (;;) {
    const running = startCli(['--home', home, ...add]);
    while (!isBegun() && running.child.exitCode === null) await new Promise((r) => setTimeout(r, 5));
    running.child.kill('SIGSTOP');
    if (isBegun()) return running;
    // It was done before it was halted: once more.
    running.child.kill('SIGKILL');
    const { stderr } = await running.result;
    if (running.child.exitCode) throw new Error(stderr);
    fs.rmSync(datasets, { recursive: true, force: true });
  }
}

describe('trainyard data', () => {
  it.skipIf(!hasPs)('goes on after kill -9 at any moment, to the same files', async () => {
    const { dir, folder, cli } = workplace();
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

  it.skipIf(!hasPs)('is waited for by a run, lists what is unfinished, and removes it', async () => {
    const { dir, folder, cli } = workplace(8, 6000);
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
    expect((await cli('home', 'data', 'list')).stdout).toContain(`${name}: not finished; the same`);

    const shape = '--layers 1 --heads 1 --width 16 --context 32 --batch 1 --sample-tokens 0 --tokenizer bytes'.split(
      ' ',
    );
    const begun = await cli(
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
    expect(begun.code).toBe(0);
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
      stderr: expect.stringMatching(/being made by process/),
    });
    await killTree(stopped.child.pid!);
    await stopped.result;
    expect(await cli('other', 'data', 'remove', name)).toMatchObject({ code: 0 });
    expect(fs.readdirSync(path.join(dir, 'other', 'datasets'))).toEqual([]);
  });

  it('shows, checks and removes, and keeps what a run uses', async () => {
    const { dir, folder, cli } = workplace(1, 600);
    expect(await cli('home', 'data', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no dataset yet'),
    });
    const added = await cli('home', 'data', 'add', folder, '--tokenizer', 'bytes', '--subset', '0-50%');
    expect(added).toMatchObject({ code: 0, stderr: '' });
    const { name } = await manifestOf(cli, 'home');
    const shown = await cli('home', 'data', 'show', name, '--tokens', '400');
    expect(shown.stdout).toMatch(
      /documents 0-50%[^]*example_train_0\.jsonl\.zst[^]*Page \d+\. It was a bright cold day/,
    );
    const shape = [
      '--layers',
      '1',
      '--heads',
      '1',
      '--width',
      '16',
      '--context',
      '32',
      '--batch',
      '1',
      '--steps',
      '2',
      '--sample-tokens',
      '0',
    ];
    expect((await cli('home', 'train', '--dataset', name, ...shape, '--name', 'user')).code).toBe(0);
    expect(await cli('home', 'data', 'remove', name)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is used by user: delete/),
    });
    const shard = fs.readdirSync(path.join(dir, 'home', 'datasets', name)).find((f) => f.startsWith('train-'))!;
    const file = path.join(dir, 'home', 'datasets', name, shard);
    const bytes = fs.readFileSync(file);
    bytes[7]! ^= 1;
    fs.writeFileSync(file, bytes);
    expect(await cli('home', 'data', 'verify', name)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`${shard} was altered`),
    });
    expect(await cli('home', 'data', 'remove', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no dataset "nothing"'),
    });
  });

  it.skipIf(process.platform === 'win32')(
    'reads standard input and pipes, splits text, and shows where a document ends',
    async () => {
      const { dir, cli } = workplace(0);
      const home = path.join(dir, 'home');
      const stories = Array.from({ length: 120 }, (_, i) => `Story ${i} of a <|endoftext|> fox.`).join('###');
      const file = path.join(dir, 'stories.txt');
      fs.writeFileSync(file, stories);
      const add = ['--home', home, 'data', 'add', '-', '--split-on', '###', '--name', 'fox'];
      const piped = await runCli(add, {}, ['sh', '-c', `cat '${file}' | "$0" "$@"`]);
      expect(piped).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^fox: [\d,]+ tokens to train on, [\d,]+ to validate \(whole documents/),
        stderr: expect.stringMatching(/<\|endoftext\|> in it 120 times/),
      });
      expect(fs.readdirSync(path.join(home, 'uploads'))).toEqual([]);
      const shown = await cli('home', 'data', 'show', 'fox', '--tokens', '100');
      expect(shown.stdout).toMatch(/standard input/);
      expect(shown.stdout).toMatch(/Story \d+ of a <\|endoftext\|> fox\.\n⟨end of text⟩\nStory/);
    },
  );

  it('passes over a line of 70 MB without keeping it', async () => {
    const { dir, cli } = workplace(0);
    const file = path.join(dir, 'long.jsonl');
    fs.writeFileSync(
      file,
      `${line(1)}\n${'a'.repeat(70 << 20)}\n${Array.from({ length: 50 }, (_, i) => line(i + 2)).join('\n')}`,
    );
    const refused = await cli('home', 'data', 'add', file);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/1 of 52 documents is bad.*line 2: 73400320 bytes are too many for a line/),
    });
    const taken = await cli('home', 'data', 'add', file, '--max-bad', '0.1');
    expect(taken).toMatchObject({ code: 0, stderr: expect.stringContaining('1 bad document was passed over') });
  });

  it.each([
    [['--where', 'nothing'], /--where needs FIELD=VALUE/],
    [['--subset', 'half'], /--subset needs a range/],
    [['--threads', '0'], /--threads needs/],
    [['--tokenizer', 'words'], /There is no tokenizer "words"/],
    [['--name', 'a/b'], /can't be named "a\/b"/],
    [['--split-on', ''], /must not be empty/],
  ])('refuses %j in one line', async (flags, message) => {
    const { folder, cli } = workplace(1, 2);
    const { code, stderr } = await cli('home', 'data', 'add', folder, ...flags);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toMatch(message);
  });
});
