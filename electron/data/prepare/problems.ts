/** What is said of files and documents that can't be taken: by what makes a dataset, and by what shows one before it is made. */
import { UsageError, UserError } from '../../base/errors.ts';
import { plural } from '../../base/format.ts';
import type { Fault } from '../formats/fileError.ts';
import { formatOf } from '../formats/index.ts';
import type { Input } from '../inputs/inputs.ts';
import { everything, sameSubset, type Subset } from '../subsets.ts';
import type { Unusable } from './documents.ts';
import type { Tally } from './tally.ts';
import { zeroByte } from './text/parse.ts';

/** Documents of a file that are none: which, and why. */
export function badDocuments({ path, format }: Input, { line, lines = 1, reason }: Unusable): string {
  const { unit } = formatOf(format);
  const which = lines === 1 ? `${unit} ${line}` : `${unit}s ${line} to ${line + lines - 1}`;
  return `${path}, ${which}: ${reason}`;
}

/** A document of a text that is split, which is none. @param at byte of the file */
export const badPart = ({ path }: Input, reason: string, at: number): string => `${path}, byte ${at}: ${reason}`;

/** A file of text that is none. @param at byte of the file */
export const badText = ({ path }: Input, reason: string, at: number): UserError =>
  new UserError(
    reason === zeroByte
      ? `The file ${path} holds a zero byte (byte ${at}), as no text does but files that were not written to their end: get it again, take them out with tr -d '\\000', or leave it out by --skip-bad-files.`
      : `The file ${path} is not UTF-8 text (byte ${at}): convert it, for example with iconv, or leave it out by --skip-bad-files.`,
  );

/** The same of one that is left out. */
export const skippedText = (reason: string, at: number): Fault => ({
  reason: `${reason === zeroByte ? 'a zero byte' : 'not UTF-8 text'} (byte ${at})`,
});

/** A file whose documents all lack the field of the text. */
export const absentField = ({ path }: Input, why: string | undefined): string => `${path}: ${why}`;

/** Text that is split on what stands nowhere in it. Quoted as JSON has it: a line end is told from a backslash and an n. */
export const noSeparator = (splitOn: string): UserError =>
  new UserError(
    `${JSON.stringify(splitOn)} stands nowhere in the text: give another --split-on${/\\[nrt]/.test(splitOn) ? ' (it is taken literally; blank-lines means empty lines)' : ''}, or leave it out.`,
  );

/** Documents of which none has a text to take; undefined where one has. @param good how many documents there are */
export function nothingTaken(tally: Tally, good: number, textBytes: number, textField: string): UserError | undefined {
  if (tally.filtered > 0 && textBytes === 0)
    return new UserError(
      `No document is left to train on: of ${good} none meets the conditions, and ${tally.found}. Give other values by --where.`,
    );
  if (tally.empty > 0 && tally.empty + tally.filtered === good)
    return new UserError(
      `No document is left to train on: none of ${plural(tally.empty, 'document')} has a text in the field ${textField}. Name another by --text-field.`,
    );
  return undefined;
}

/** Choices about text files. */
interface Choices {
  readonly splitOn?: string | undefined;
  readonly subset?: Subset | undefined;
}

/** @throws UsageError for choices that these files have no use for */
export function requireSense(inputs: readonly Input[], { splitOn, subset = everything }: Choices): void {
  const other = inputs.find((i) => i.format !== 'text');
  if (splitOn !== undefined && inputs.every((i) => i.format !== 'text'))
    throw new UsageError(`--split-on divides text files, and ${other!.path} has documents of its own: leave it out.`);
  if (!sameSubset(subset, everything) && inputs.length === 1 && !other && splitOn === undefined)
    throw new UsageError(
      `A subset takes whole documents, and ${inputs[0]!.path} is one: divide it with --split-on, or name several files.`,
    );
}
