import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { runCli } from './run.ts';

it('a corpus of real text has the tokens of a plain loop over it', async () => {
  const [file, little] = [path.join(tempDir(), 'text.txt'), path.join(tempDir(), 'little.txt')];
  const words = fs.readFileSync(path.join(import.meta.dirname, '../../README.md'), 'utf8').split(/(?<=\s)/);
  // Sentences that are new: words of a real text in another order.
  const lines = Array.from({ length: 6000 }, (_, i) =>
    Array.from({ length: 12 }, (_, k) => words[(i * 7919 + k * 104_729 + i * k) % words.length]).join(''),
  );
  fs.writeFileSync(file, lines.join('\n'));
  fs.writeFileSync(little, 'a little');
  const { code, stdout, stderr } = await runCli(['bench', 'data', '--text', file, '--megabytes', '3', '--json']);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({
    equal: true,
    documents: expect.any(Number),
    peakBytes: expect.any(Number),
  });
  const refused = await runCli(['bench', 'data', '--text', little, '--megabytes', '3']);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/too few to make a corpus of/) });
});
