import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { jsonLines, runCli } from './run.ts';

const small = [
  '--layers',
  '1',
  '--heads',
  '1',
  '--width',
  '16',
  '--context',
  '16',
  '--batch',
  '2',
  '--sample-tokens',
  '0',
];

it('a finished run goes on with phases that are added, as one that had them from the start', async () => {
  const dir = tempDir();
  const text = path.join(dir, 'text.txt');
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(60));
  const home = path.join(dir, 'home');
  const first = 'cosine:10:1e-3:5e-4';
  const [second, third] = ['constant:6:5e-4:adamw8bit', 'constant:4:1e-4'];
  const train = (name: string, ...phases: string[]) =>
    runCli([
      '--home',
      home,
      'train',
      '--text',
      text,
      '--tokenizer',
      'bytes',
      ...small,
      '--name',
      name,
      '--json',
      '--phase',
      ...phases,
    ]);
  const command = (...args: string[]) => runCli(['--home', home, ...args]);
  const losses = (stdout: string) => jsonLines(stdout).flatMap((l) => (l.type === 'metrics' ? [[l.step, l.loss]] : []));

  const whole = await train('whole', first, second, third);
  expect(whole.code).toBe(0);
  const begun = await train('grown', first);
  const refused = await command('phases', 'grown', '--add', 'constant:0:1e-4');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/steps/)]);
  expect((await command('phases', 'grown', '--add', 'constant:9:1e-3')).code).toBe(0);
  const shown = await command('phases', 'grown', '--later', second, third);
  expect(shown.stdout).toMatch(/cosine .*done\n.*constant .*adamw8bit\n.*constant .*adamw/);
  const resumed = await command('resume', 'grown', '--json');
  expect(resumed.code).toBe(0);
  expect([...losses(begun.stdout), ...losses(resumed.stdout)]).toEqual(losses(whole.stdout));
  expect((await command('resume', 'grown')).stderr).toMatch(/complete/);
});
