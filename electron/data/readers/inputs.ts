import fs from 'node:fs';
import path from 'node:path';
import { messageOf, UserError } from '../../errors.ts';

const textExtensions = new Set(['.txt', '.md']);

/**
 * The text files that paths, folders and globs name, in a fixed order, each once.
 * @throws UserError when a path is missing, can't be read, or names no text
 */
export function textFiles(inputs: readonly string[]): string[] {
  const files = inputs.flatMap((input) => {
    try {
      return expand(input);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(`The path ${input} can't be read: ${messageOf(error)}.`);
    }
  });
  return [...new Set(files.map((f) => path.resolve(f)))];
}

/** Links that lead nowhere are no files. */
const isFile = (file: string): boolean => fs.statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

function expand(input: string): string[] {
  const stat = fs.statSync(input, { throwIfNoEntry: false });
  if (stat?.isFile()) return [input];
  if (stat?.isDirectory()) {
    const found = fs
      .readdirSync(input, { recursive: true, encoding: 'utf8' })
      .filter((f) => textExtensions.has(path.extname(f).toLowerCase()))
      .map((f) => path.join(input, f))
      .filter(isFile)
      .sort();
    if (found.length === 0)
      throw new UserError(`The folder ${input} holds no .txt or .md files: name the files themselves.`);
    return found;
  }
  if (/[*?[{]/.test(input)) {
    const found = fs.globSync(input).filter(isFile);
    if (found.length === 0) throw new UserError(`No file matches ${input}: check the pattern.`);
    return found.sort();
  }
  throw new UserError(`There is no file or folder ${input}: check the path.`);
}
