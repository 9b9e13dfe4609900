import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { posix, where } from '../frame/needs.ts';
import { corpora, manifestOf } from './corpora.ts';
import { runCli } from './run.ts';

describe('trainyard data', () => {
  it('shows, checks and removes, and keeps what a run uses', async () => {
    const { dir, folder, cli } = corpora(1, 600);
    expect(await cli('home', 'data', 'list')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('no datasets yet'),
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
      stderr: expect.stringContaining(`${shard} was modified`),
    });
    expect(await cli('home', 'data', 'remove', 'nothing')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('There is no dataset "nothing"'),
    });
  });

  where(it, posix)('reads standard input and pipes, splits text, and shows where a document ends', async () => {
    const { dir, cli } = corpora(0);
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
  });

  it.each([
    [['--where', 'nothing'], /--where needs FIELD=VALUE/],
    [['--subset', 'half'], /--subset needs a range/],
    [['--threads', '0'], /--threads needs/],
    [['--tokenizer', 'words'], /There is no tokenizer "words"/],
    [['--name', 'a/b'], /can't be named "a\/b"/],
    [['--split-on', ''], /must not be empty/],
  ])('refuses %j in one line', async (flags, message) => {
    const { folder, cli } = corpora(1, 2);
    const { code, stderr } = await cli('home', 'data', 'add', folder, ...flags);
    expect([code, stderr.trim().split('\n').length]).toEqual([2, 1]);
    expect(stderr).toMatch(message);
  });
});
