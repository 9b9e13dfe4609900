import { format } from 'node:util';
import { printable, printableJson } from './text.ts';

const isJson = (text: string): boolean => /^[{[]/.test(text);

/**
 * From now on nothing that this process tells by `console` is obeyed by a terminal, whoever wrote it into a name, a note or
 * a file: one place for every command, and for all that they use.
 */
export function guardConsole(): void {
  for (const name of ['log', 'error', 'warn', 'info'] as const) {
    const say = console[name].bind(console);
    console[name] = (...parts: unknown[]) => {
      const text = format(...parts);
      say('%s', isJson(text) ? printableJson(text) : printable(text));
    };
  }
}

/** Text for a stream that people look at; whoever reads from a pipe or a file gets it as it is. */
export const forStream = (text: string, stream: { readonly isTTY?: boolean }): string =>
  stream.isTTY ? printable(text) : text;
