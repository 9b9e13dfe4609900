import { plural } from './format.ts';

/** What zod says of a wrong value, as people say it. What is not known here stays as it is. */
const sayings: readonly (readonly [pattern: RegExp, said: (...parts: string[]) => string])[] = [
  [/^Invalid input: expected number, received/, () => 'enter a number'],
  [/^Invalid input: expected int, received/, () => 'enter a whole number'],
  [/^Invalid input: expected (\w+), received undefined/, () => 'it is missing'],
  [/^Invalid input: expected string, received/, () => 'it must be text'],
  [/^Invalid input: expected boolean, received/, () => 'it must be true or false'],
  [/^Invalid input: expected array, received/, () => 'it must be a list'],
  [/^Invalid input: expected (?:object|record|map), received/, () => 'it must be an object with settings'],
  [/^Invalid (?:input|option): expected (?:one of )?(.+\|.+)$/, (values) => `choose from ${listed(values)}`],
  [/^Invalid input: expected (".*"|\d+)$/, (value) => `it must be ${listed(value)}`],
  [/^Unrecognized keys?: (.+)$/, (keys) => `there is no setting ${listed(keys)}`],
  [/^Invalid string: must match pattern/, () => 'it is written in another way'],
  [/^Invalid number: must be a multiple of (.+)$/, (of) => `it must be a multiple of ${of}`],
  [/^Invalid (?:input|key|value|string|discriminator)\b/, () => 'it is not one of the values that are allowed'],
  [/^Too small: expected string to have >=1 char/, () => 'it must not be empty'],
  [/^Too small: expected (?:number|int) to be >=(.+)$/, (min) => `it must be at least ${min}`],
  [/^Too small: expected (?:number|int) to be >(.+)$/, (min) => `it must be greater than ${min}`],
  [/^Too big: expected (?:number|int) to be <=(.+)$/, (max) => `it must be at most ${shown(max)}`],
  [/^Too big: expected (?:number|int) to be <(.+)$/, (max) => `it must be less than ${shown(max)}`],
  [
    /^Too big: expected string to have <=(\d+) char/,
    (max) => `it must have at most ${plural(Number(max), 'character')}`,
  ],
  [/^Too big: expected array to have <=(\d+) item/, (max) => `there must be at most ${shown(max)}`],
  [/^Too small: expected array to have >=1 item/, () => 'there must be at least one'],
  [/^Too small: expected array to have >=(\d+) item/, (min) => `there must be at least ${shown(min)}`],
];

/** Values as zod lists them, without its quotes. */
const listed = (values: string): string => values.replaceAll('"', '').split(/\||, /).join(', ');

const shown = (limit: string): string => Number(limit).toLocaleString('en-US', { maximumFractionDigits: 9 });
/** The largest whole number that is counted without gaps: of two limits nobody asks for this one. */
const safe = String(Number.MAX_SAFE_INTEGER);

export function plainIssue(message: string): string {
  for (const [pattern, said] of sayings) {
    const found = pattern.exec(message);
    if (found) return said(...found.slice(1));
  }
  return message;
}

/** All issues of a value, by dotted path, as people say them. What is said of a part of it isn't said twice. */
export function plainIssues(
  issues: readonly { readonly path?: readonly unknown[] | undefined; readonly message: string }[],
): { path: string; message: string }[] {
  const all = issues.map(({ path = [], message }) => ({
    path: path.map((p) => String(typeof p === 'object' ? (p as { key: PropertyKey }).key : p)).join('.'),
    message,
  }));
  return all
    .filter(({ path, message }) => !message.includes(safe) || all.filter((other) => other.path === path).length === 1)
    .map(({ path, message }) => ({
      path,
      message: message.includes(safe) ? 'enter a smaller number' : plainIssue(message),
    }));
}

/** Lists whose entries have a name of their own. */
const entries: Readonly<Record<string, string>> = { phases: 'phase' };

/** What a setting is called by its path: `model.nLayer`, `steps of phase 1`. Entries of lists are counted from 1, as people count. */
export function settingName(path: readonly PropertyKey[]): string {
  const at = path.findLastIndex((part) => typeof part === 'number');
  if (at < 1) return path.join('.');
  const list = path.slice(0, at);
  const number = Number(path[at]) + 1;
  const entry = entries[String(list.at(-1))];
  const name = entry ? `${entry} ${number}` : `entry ${number} of ${settingName(list)}`;
  const rest = path.slice(at + 1).join('.');
  return rest === '' ? name : `${rest} of ${name}`;
}

/** What schemas say of a value that they don't take: structural, as zod has it. */
interface Refused {
  readonly issues: readonly {
    readonly path: readonly PropertyKey[];
    readonly message: string;
    readonly code?: string | undefined;
    readonly keys?: readonly string[] | undefined;
  }[];
}

/**
 * The first thing that is wrong with a value, in words: which setting, and what.
 * @param whole what the value is called
 */
export function firstIssue({ issues }: Refused, whole: string): { name: string; message: string } {
  const { path, message, code, keys } = issues[0]!;
  if (code === 'unrecognized_keys')
    return { name: settingName([...path, keys![0]!]), message: 'there is no such setting' };
  return { name: path.length === 0 ? whole : settingName(path), message: plainIssue(message) };
}
