import { plural } from './format.ts';

/** What zod says of a wrong value, as people say it. What is not known here stays as it is. */
const sayings: readonly (readonly [pattern: RegExp, said: (...parts: string[]) => string])[] = [
  [/^Invalid input: expected number, received/, () => 'enter a number'],
  [/^Invalid input: expected int, received/, () => 'enter a whole number'],
  [/^Invalid input: expected (\w+), received undefined/, () => 'it is missing'],
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
];

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
