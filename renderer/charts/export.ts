import { plural } from '../format.ts';
import { chartText } from './text.ts';
import type { Readout, Value } from './readings.ts';
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
  const [min, greatest] = [good.reduce((a, b) => Math.min(a, b)), good.reduce((a, b) => Math.max(a, b))];
  const nan = bad > 0 ? ` ${plural(bad, 'value')} not finite.` : '';
  return `${label}: from ${format(good[0]!)} to ${format(good.at(-1)!)}, least ${format(min)}, greatest ${format(greatest)}.${nan}`;
}

/** What is read where the cursor is, in words. */
export function spokenOf(
  readout: Readout | undefined,
  { xName, formatX }: { readonly xName: string; readonly formatX: (x: number) => string },
): string[] {
  if (!readout) return [];
  const inWords = ({ label, value, beside, at, smoothed, best }: Value): string =>
    [
      `${label} ${value}${beside === undefined ? '' : ` (${beside})`}`,
      ...(at === undefined ? [] : [chartText.at(at)]),
      ...(best ? [chartText.best] : []),
      ...(smoothed === undefined ? [] : [chartText.smoothed(smoothed)]),
    ].join(', ');
  return [`${xName} ${formatX(readout.x)}`, ...readout.values.map(inWords)];
}
