import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { chart } from '../../electron/cli/terminal/chart.ts';
import { ProgressLine, progressText } from '../../electron/cli/terminal/progress.ts';
import { table } from '../../electron/cli/terminal/table.ts';
import { hanging, oneLine, printable } from '../../electron/cli/terminal/text.ts';

test('a table aligns numbers on the right and text on the left, without colors', () => {
  const text = table(
    ['name', 'size', 'note'],
    [
      ['a', 5, ''],
      ['long name', '1,200', 'x'],
    ],
  );
  expect(text.split('\n')).toEqual([
    'name        size  note',
    '──────────────────────',
    'a              5',
    'long name  1,200  x',
  ]);
});

test('a table without rows is its headings', () => expect(table(['a', 'b'], [])).toBe('a  b\n────'));

test('a chart puts high values on top, early ones on the left, and leaves out what is no number', () => {
  const falling = Array.from({ length: 50 }, (_, i) => [i, i === 25 ? Number.NaN : 10 - i / 5] as const);
  const lines = chart([{ mark: '*', label: 'loss', points: falling }], 40, 10).split('\n');
  expect(lines[0]).toMatch(/^ +10\.00 ┤\*+$/);
  expect(lines[9]).toMatch(/^ +0\.20 ┤ +\*+$/);
  const columns = lines.slice(0, 10).map((line) => line.indexOf('*'));
  expect(columns).toEqual([...columns].sort((a, b) => a - b));
  expect(lines.at(-2)).toMatch(/0 +step 49$/);
  expect(lines.at(-1)).toContain('* loss');
});

test('a chart of one value, of a constant and of nothing can be drawn', () => {
  expect(chart([{ mark: '*', label: 'x', points: [[3, 1]] }])).toContain('*');
  const constant = chart([{ mark: '*', label: 'x', points: [[0, 2], [9, 2]] }]); // prettier-ignore
  expect(constant).toContain('2.00');
  expect(chart([{ mark: '*', label: 'x', points: [[1, Number.NaN]] }])).toContain('no data yet');
});

test('text can not disturb a terminal', () => {
  expect(printable('a\x1b[2Jb\x07\u009bc\nd\te\u202ef')).toBe('a·[2Jb··c\nd\te·f');
  expect(printable('é 日本 🙂\ufffd')).toBe('é 日本 🙂·');
  expect(oneLine('  a\n\n b\tc ')).toBe('a b c');
  expect(oneLine('x'.repeat(300), 10)).toBe('xxxxxxxxxx…');
  expect(hanging('a\nb', 3)).toBe('a\n   b');
});

const progress = { step: 512, steps: 2000, loss: 2.3141, tokensPerSecond: 31234, secondsLeft: 64, phase: 'cosine' };

test('progress shows step, loss, speed, phase and time left', () => {
  expect(progressText(progress)).toBe(
    '[██████░░░░░░░░░░░░░░░░░░] 512/2000  loss 2.314  31.2K tokens/s  cosine  1m 04s left',
  );
});

test('where there is no terminal, progress is a line for each tenth', () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  const line = new ProgressLine(stream);
  for (let step = 1; step <= 100; step++) line.update({ ...progress, step, steps: 100 });
  line.say('done');
  const lines = String(stream.read()).trim().split('\n');
  expect(lines.length).toBe(11);
  expect(lines[9]).toMatch(/100\/100/);
});
