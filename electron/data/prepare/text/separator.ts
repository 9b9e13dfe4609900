import { UsageError } from '../../../base/errors.ts';

/** The name of the separator that is any run of blank lines. */
export const blankLines = 'blank-lines';

/** Where a separator stands: it begins at `begin`, and what follows it at `end`. */
export interface Found {
  readonly begin: number;
  readonly end: number;
}

/** Finds what stands between the documents of a text. */
export interface Separator {
  /**
   * The first one that begins at `from` or later.
   * @param isEnd whether the text ends with these bytes
   * @returns where it is; or from where it has to be searched when there is more of the text
   */
  find(bytes: Buffer, from: number, isEnd: boolean): Found | number;
}

/** @throws UsageError for an empty one */
export function separatorOf(text: string): Separator {
  if (text === '') throw new UsageError('What text is split on must not be empty: give a separator, or leave it out.');
  return text === blankLines ? runsOfBlankLines : literally(Buffer.from(text));
}

function literally(separator: Buffer): Separator {
  return {
    find(bytes, from) {
      const begin = bytes.indexOf(separator, from);
      // Its beginning may stand at the end of what is there.
      return begin < 0 ? Math.max(from, bytes.length - separator.length + 1) : { begin, end: begin + separator.length };
    },
  };
}

const [newline, carriageReturn, blank, tab] = [0x0a, 0x0d, 0x20, 0x09];

/** From the line break before lines that are empty, or hold blanks alone, to the beginning of the next line that does not. */
const runsOfBlankLines: Separator = {
  find(bytes, from, isEnd) {
    for (let at = bytes.indexOf(newline, from); at >= 0; at = bytes.indexOf(newline, at + 1)) {
      let lineStart = at + 1;
      let end = lineStart;
      while (end < bytes.length) {
        const byte = bytes[end]!;
        if (byte === newline) lineStart = end + 1;
        else if (byte !== blank && byte !== tab && byte !== carriageReturn) break;
        end++;
      }
      const begin = at > 0 && bytes[at - 1] === carriageReturn && at - 1 >= from ? at - 1 : at;
      // More blank lines may follow.
      if (end === bytes.length && !isEnd) return begin;
      if (lineStart > at + 1) return { begin, end: lineStart };
    }
    const last = bytes.length - 1;
    return Math.max(from, last >= 0 && bytes[last] === carriageReturn ? last : bytes.length);
  },
};
