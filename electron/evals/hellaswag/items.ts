import { readFile } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import { UserError } from '../../base/errors.ts';
import { firstIssue } from '../../base/issues.ts';

const itemSchema = z.object({
  ind: z.int(),
  activity_label: z.string(),
  ctx_a: z.string(),
  ctx_b: z.string(),
  endings: z.array(z.string()).length(4),
  label: z
    .union([z.int(), z.string().regex(/^[0-3]$/)])
    .transform(Number)
    .pipe(z.int().min(0).max(3)),
});

/** An item of HellaSwag (Zellers et al. 2019) as its authors publish it, one JSON object a line. */
export type HellaswagItem = z.infer<typeof itemSchema>;

/** @param name of the file, for errors @throws UserError that names the first line which is no item */
export function parseItems(jsonl: string, name: string): HellaswagItem[] {
  const items = jsonl
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [parseLine(line, lineOf(name, i + 1))]));
  if (items.length === 0) throw noItems(name);
  return items;
}

const noItems = (name: string): UserError =>
  new UserError(`${name} has no HellaSwag items: give a file such as hellaswag_val.jsonl.`);

const lineOf = (name: string, line: number): string => `${name}, line ${line}`;

/** Lines that are looked at before others have their turn. */
const linesPerTurn = 200;

/**
 * How many items a file has, while whoever else there is has a turn now and then.
 * @throws UserError when it is no HellaSwag file, as `parseItems` does; errors of the file system as they come
 */
export async function countItems(file: string): Promise<number> {
  const lines = (await readFile(file, 'utf8')).replace(/^\ufeff/, '').split('\n');
  let count = 0;
  for (const [i, line] of lines.entries()) {
    if (i % linesPerTurn === linesPerTurn - 1) await setImmediate();
    if (line.trim() === '') continue;
    parseLine(line, lineOf(file, i + 1));
    count++;
  }
  if (count === 0) throw noItems(file);
  return count;
}

function parseLine(line: string, where: string): HellaswagItem {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UserError(`${where}: not valid JSON.`);
  }
  const result = itemSchema.safeParse(value);
  if (result.success) return result.data;
  const { name, message } = firstIssue(result.error, 'the line');
  throw new UserError(`${where}: not a HellaSwag item (${name}: ${message}).`);
}

/** Text as lm-evaluation-harness cleans it (task `hellaswag` 1.0): WikiHow's marks go. */
export const clean = (text: string): string =>
  text
    .trim()
    .replaceAll(' [title]', '. ')
    .replace(/\[.*?\]/g, '')
    .replaceAll('  ', ' ');

/** The first letter upper, the rest lower, as Python's `str.capitalize`. */
function capitalize(text: string): string {
  const [first = '', ...rest] = text;
  return first.toUpperCase() + rest.join('').toLowerCase();
}

/** An item as a model is asked about it. */
export interface Prompt {
  readonly context: string;
  readonly endings: readonly string[];
}

export const promptOf = ({ activity_label, ctx_a, ctx_b, endings }: HellaswagItem): Prompt => ({
  context: clean(`${activity_label}: ${ctx_a} ${capitalize(ctx_b)}`),
  endings: endings.map(clean),
});
