import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { jsonLines, runCli } from './run.ts';

it.each(['nano', 'mini', 'shakespeare-cpu'])('%s trains', async (name) => {
  const dir = tempDir();
  const text = path.join(dir, 'text.txt');
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(400));
  const args = [
    '--home',
    path.join(dir, 'home'),
    'train',
    '--preset',
    name,
    '--text',
    text,
    '--steps',
    '3',
    '--lr',
    '1e-3',
    // Of the recipe's own, so many make a step of mini long; what is computed with each batch is the same.
    '--tokens-per-step',
    name === 'shakespeare-cpu' ? '768' : '2048',
  ];
  const result = await runCli([...args, '--eval-sequences', '1', '--sample-tokens', '0', '--json']);
  expect([result.code, result.stderr]).toEqual([0, '']);
  const losses = jsonLines(result.stdout).flatMap((l) => (l.type === 'metrics' ? [l.loss as number] : []));
  expect(losses).toHaveLength(3);
  expect(losses[2]).toBeLessThan(losses[0]!);
});
