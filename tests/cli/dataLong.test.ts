import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { corpora, line } from './corpora.ts';

it('passes over a line of 70 MB without keeping it', async () => {
  const { dir, cli } = corpora(0);
  const file = path.join(dir, 'long.jsonl');
  fs.writeFileSync(
    file,
    `${line(1)}\n${'a'.repeat(70 << 20)}\n${Array.from({ length: 50 }, (_, i) => line(i + 2)).join('\n')}`,
  );
  const refused = await cli('home', 'data', 'add', file);
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/1 of 52 documents can't be read.*line 2: 73400320 bytes are too many for a line/),
  });
  const taken = await cli('home', 'data', 'add', file, '--max-bad', '0.1');
  expect(taken).toMatchObject({ code: 0, stderr: expect.stringContaining('1 bad document skipped') });
});
