/** Reading JSON as it is found, rather than as it should be. */

/**
 * Parses JSON, and what Python's json writes where numbers are not finite: `NaN`, `Infinity` and `-Infinity`, as null.
 * @throws SyntaxError when it is neither
 */
export function parseJson(source: string): { readonly value: unknown; readonly nonFinite: boolean } {
  try {
    return { value: JSON.parse(source), nonFinite: false };
  } catch (error) {
    const finite = withoutNonFinite(source);
    if (finite === undefined) throw error;
    return { value: JSON.parse(finite), nonFinite: true };
  }
}

const nonFinite = /-?\b(?:NaN|Infinity)\b/g;

/** @returns undefined where there are none, outside of strings */
function withoutNonFinite(source: string): string | undefined {
  if (!/NaN|Infinity/.test(source)) return undefined;
  const parts: string[] = [];
  let found = false;
  for (let at = 0; at < source.length;) {
    const quote = source.indexOf('"', at);
    const plain = source.slice(at, quote < 0 ? source.length : quote);
    const without = plain.replace(nonFinite, 'null');
    found ||= without !== plain;
    parts.push(without);
    if (quote < 0) break;
    const end = endOfString(source, quote);
    parts.push(source.slice(quote, end));
    at = end;
  }
  return found ? parts.join('') : undefined;
}

/** Where a string ends that begins at a quote. */
function endOfString(source: string, quote: number): number {
  for (let end = source.indexOf('"', quote + 1); end >= 0; end = source.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (source[end - 1 - backslashes] === '\\') backslashes++;
    if (backslashes % 2 === 0) return end + 1;
  }
  return source.length;
}

/** What a line that is no JSON may be. */
export function whyNoJson(source: string): string {
  const begin = source.trimStart();
  if (/^\{\s*'/.test(begin)) return "not JSON, but Python's notation: write it with json.dumps";
  return 'not valid JSON';
}

const [quote, backslash, newline, comma] = [0x22, 0x5c, 0x0a, 0x2c];
const [openList, closeList, openObject, closeObject] = [0x5b, 0x5d, 0x7b, 0x7d];
const isSpace = (byte: number): boolean => byte === 0x20 || byte === newline || byte === 0x0d || byte === 0x09;

/**
 * Finds where values begin and end in a stream of JSON: those of one list around all, or, where there is none, those that
 * follow each other. It looks at brackets and quotes alone: whether a value is well formed is for a parser to say.
 */
export class ValueScanner {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** Inside a number, true, false or null. */
  #inWord = false;
  #inValue = false;
  /** Whether there is a list around the values, as soon as it is known. */
  list: boolean | undefined;
  /** Whether that list has ended. */
  closed = false;
  /** What follows the end of the list. */
  trailing = false;
  line = 1;

  /**
   * @param onBegin told where a value begins, and at which line
   * @param onEnd told where one ends, behind it
   */
  scan(bytes: Uint8Array, onBegin: (at: number, line: number) => void, onEnd: (at: number) => void): void {
    let i = 0;
    const n = bytes.length;
    while (i < n) {
      if (this.#inString) {
        i = this.#string(bytes, i);
        if (!this.#inString && this.#depth === 0) this.#end(i, onEnd);
        continue;
      }
      const byte = bytes[i]!;
      if (byte === newline) this.line++;
      if (this.#depth > 0) {
        if (byte === quote) this.#inString = true;
        else if (byte === openObject || byte === openList) this.#depth++;
        else if ((byte === closeObject || byte === closeList) && --this.#depth === 0) this.#end(i + 1, onEnd);
        i++;
        continue;
      }
      if (this.#inWord) {
        if (!isSpace(byte) && byte !== comma && byte !== closeList) {
          i++;
          continue;
        }
        this.#inWord = false;
        this.#end(i, onEnd);
      }
      if (isSpace(byte) || byte === comma) i++;
      else if (this.list === undefined && byte === openList) {
        this.list = true;
        i++;
      } else if (this.closed) {
        this.trailing = true;
        return;
      } else if (byte === closeList) {
        this.closed = true;
        i++;
      } else {
        this.list ??= false;
        this.#inValue = true;
        onBegin(i, this.line);
        if (byte === quote) this.#inString = true;
        else if (byte === openObject || byte === openList) this.#depth = 1;
        else this.#inWord = true;
        i++;
      }
    }
  }

  /** To call when nothing follows. @returns whether a value, or the list, has not ended */
  finish(at: number, onEnd: (at: number) => void): boolean {
    if (this.#inWord) {
      this.#inWord = false;
      this.#end(at, onEnd);
    }
    return this.#inValue || (this.list === true && !this.closed);
  }

  #end(at: number, onEnd: (at: number) => void): void {
    this.#inValue = false;
    onEnd(at);
  }

  /** Goes on in a string. @returns behind its end, or behind the bytes */
  #string(bytes: Uint8Array, from: number): number {
    let i = from;
    if (this.#escaped) {
      this.#escaped = false;
      i++;
    }
    for (;;) {
      const end = bytes.indexOf(quote, i);
      const stop = end < 0 ? bytes.length : end;
      // Only backslashes right before it matter.
      let backslashes = 0;
      while (stop - 1 - backslashes >= i && bytes[stop - 1 - backslashes] === backslash) backslashes++;
      if (end < 0) {
        this.#escaped = backslashes % 2 === 1;
        return bytes.length;
      }
      if (backslashes % 2 === 0) {
        this.#inString = false;
        return end + 1;
      }
      i = end + 1;
    }
  }
}
