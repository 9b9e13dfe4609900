import { plural } from '../lib/format.ts';
import type { Line } from './pipeline/index.ts';

export interface Named {
  readonly label: string;
  readonly line: Line;
}

const field = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Lines as comma-separated values (RFC 4180): x, then a column for each line, empty where it has no point. */
export function toCsv(xName: string, lines: readonly Named[]): string {
  const rows = new Map<number, (number | undefined)[]>();
  lines.forEach(({ line }, column) => {
    line.x.forEach((x, i) => {
      let row = rows.get(x);
      if (!row) rows.set(x, (row = new Array<undefined>(lines.length).fill(undefined)));
      row[column] = line.y[i];
    });
  });
  const head = [xName, ...lines.map((l) => l.label)].map(field).join(',');
  const body = [...rows].sort(([a], [b]) => a - b).map(([x, row]) => [x, ...row.map((v) => v ?? '')].join(','));
  return `${[head, ...body].join('\n')}\n`;
}

/** What a line says, for those who can't see it. */
export function summary({ label, line }: Named, format: (value: number) => string): string {
  const good = line.y.filter((v) => !Number.isNaN(v));
  if (good.length === 0) return `${label}: nothing yet.`;
  const bad = line.y.length - good.length;
  const [least, greatest] = [good.reduce((a, b) => Math.min(a, b)), good.reduce((a, b) => Math.max(a, b))];
  const nan = bad > 0 ? ` ${plural(bad, 'value')} not finite.` : '';
  return `${label}: from ${format(good[0]!)} to ${format(good.at(-1)!)}, least ${format(least)}, greatest ${format(greatest)}.${nan}`;
}
