/** What zod says of a wrong value, as people say it. What is not known here stays as it is. */
const sayings: readonly (readonly [pattern: RegExp, said: (...parts: string[]) => string])[] = [
  [/^Invalid input: expected number, received/, () => 'a number is needed'],
  [/^Invalid input: expected int, received/, () => 'a whole number is needed'],
  [/^Invalid input: expected (\w+), received undefined/, () => 'it is missing'],
  [/^Too small: expected string to have >=1 char/, () => 'it must not be empty'],
  [/^Too small: expected (?:number|int) to be >=(.+)$/, (least) => `it must be at least ${least}`],
  [/^Too small: expected (?:number|int) to be >(.+)$/, (least) => `it must be more than ${least}`],
  [/^Too big: expected (?:number|int) to be <=(.+)$/, (most) => `it must be at most ${most}`],
  [/^Too big: expected (?:number|int) to be <(.+)$/, (most) => `it must be less than ${most}`],
];

export function plainIssue(message: string): string {
  for (const [pattern, said] of sayings) {
    const found = pattern.exec(message);
    if (found) return said(...found.slice(1));
  }
  return message;
}
