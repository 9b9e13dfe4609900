import Table from 'cli-table3';
import { onOneLine } from './text.ts';

export type Cell = string | number;

const rules = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/**
 * A table of text: a line of headings, a rule, one line a row. Columns whose cells are all numbers, or begin with one,
 * are aligned on the right. No colors: it reads the same in a file.
 */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = head.map((_, i) => rows.length > 0 && rows.every((row) => /^(-?\d|$)/.test(String(row[i] ?? ''))));
  const made = new Table({
    head: [...head],
    chars: rules,
    colAligns: numeric.map((n) => (n ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  // A line end in a cell would pass for a row.
  for (const row of rows) made.push(row.map((cell) => (typeof cell === 'string' ? onOneLine(cell) : cell)));
  const lines = made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
  const width = lines.reduce((max, line) => Math.max(max, line.length), 0);
  return [lines[0], '─'.repeat(width), ...lines.slice(1)].join('\n');
}
