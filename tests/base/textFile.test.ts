import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { readTextFile } from '../../electron/base/textFile.ts';
import { readConfig } from '../../electron/cli/settings.ts';
import { readQuestions } from '../../electron/evals/hellaswag/questions.ts';
import { getTokenizer } from '../../electron/data/tokenizers/index.ts';
import { tempDir } from '../temp.ts';

const withMark = (name: string, text: string): string => {
  const file = path.join(tempDir(), name);
  fs.writeFileSync(file, `\ufeff${text}`);
  return file;
};

it('a byte order mark at the begin of a text, a config or an evaluation is no part of it', () => {
  expect(readTextFile(withMark('a.txt', 'A\ufeffb'))).toBe('A\ufeffb');
  expect(readConfig(withMark('config.json', '{"batch":2}'))).toEqual({ batch: 2 });
  const item = {
    ind: 1,
    activity_label: 'A',
    ctx_a: 'He',
    ctx_b: 'she',
    ctx: 'He she',
    split: 'val',
    split_type: 'x',
    label: 1,
    source_id: 's',
    endings: ['a', 'b', 'c', 'd'],
  };
  const questions = readQuestions(withMark('items.jsonl', `${JSON.stringify(item)}\n`), 5, getTokenizer('bytes'));
  expect(questions.size).toBe(1);
});
