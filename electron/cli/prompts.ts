import fs from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../base/errors.ts';
import { whyOf } from '../base/systemErrors.ts';

export interface PromptFlags {
  readonly promptFile?: string;
  readonly promptEscapes?: boolean;
}

/** Adds what prompts and stop strings may be given by besides their own flags, which are taken literally. */
export const addPromptFlags = (command: Command): Command =>
  command
    .option('--prompt-file <file>', 'a prompt from a file, as it is to its last byte; - reads standard input')
    .option('--prompt-escapes', 'read \\n, \\t, \\\\, \\xHH and \\u{…} in --prompt and --stop as escapes');

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  '\\': '\\',
  '"': '"',
  "'": "'",
};

/** Text with its escapes replaced. @throws UsageError that names the flag and the escape */
export function unescape(flag: string, text: string): string {
  return text.replace(
    /\\(?:u\{([\da-f]{1,6})\}|u([\da-f]{4})|x([\da-f]{2})|([^]|$))/giu,
    (whole, braces, four, two, one) => {
      const hex = (braces ?? four ?? two) as string | undefined;
      const code = hex === undefined ? undefined : parseInt(hex, 16);
      const found =
        code === undefined ? escapes[one as string] : code <= 0x10ffff ? String.fromCodePoint(code) : undefined;
      if (found === undefined)
        throw new UsageError(
          `${flag} has the escape ${whole}, which means nothing: write \\\\ for a backslash, or leave out --prompt-escapes.`,
        );
      return found;
    },
  );
}

/** What a flag says: literally, or with escapes where they are asked for. */
export const textOf = (flag: string, text: string, { promptEscapes }: PromptFlags): string =>
  promptEscapes ? unescape(flag, text) : text;

/** The text of a file, or of standard input. @throws UsageError when it can't be read, or is not UTF-8 */
export function readPromptFile(file: string): string {
  let bytes: Buffer;
  try {
    bytes = fs.readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new UsageError(`The prompt file ${file} can't be read: ${whyOf(error)}.`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`The prompt file ${file} is not UTF-8 text.`);
  }
}

/** The prompts that flags give; undefined where they give none. @throws UsageError when they come from two places */
export function promptsOf(prompts: readonly string[] | undefined, flags: PromptFlags): string[] | undefined {
  if (flags.promptFile === undefined) return prompts?.map((prompt) => textOf('--prompt', prompt, flags));
  if (prompts) throw new UsageError('Give --prompt or --prompt-file, not both.');
  return [readPromptFile(flags.promptFile)];
}
