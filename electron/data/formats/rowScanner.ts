const [quote, newline] = [0x22, 0x0a];

/**
 * Finds where rows of comma-separated values end: at line ends that are in no quoted field. A field is quoted that begins
 * with a quote, until a quote that is not doubled (RFC 4180).
 */
export class RowScanner {
  readonly #delimiter: number;
  #state: 'begin' | 'plain' | 'quoted' | 'quote' = 'begin';
  #line = 1;
  /** The line that the row which has not ended begins in. */
  firstLine = 1;
  #quoteLine = 0;

  /** @param delimiter a byte */
  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /** The line that a quoted field begins in which has not ended. */
  get openQuote(): number | undefined {
    return this.#state === 'quoted' ? this.#quoteLine : undefined;
  }

  /** @param onRow told where a row ends, behind its line end, and the line that it began in */
  scan(bytes: Uint8Array, onRow: (end: number, line: number) => void): void {
    for (let i = 0; i < bytes.length; i++) {
      if (this.#state === 'quoted') {
        const end = bytes.indexOf(quote, i);
        const stop = end < 0 ? bytes.length : end;
        for (let at = bytes.indexOf(newline, i); at >= 0 && at < stop; at = bytes.indexOf(newline, at + 1))
          this.#line++;
        if (end < 0) return;
        this.#state = 'quote';
        i = end;
        continue;
      }
      const byte = bytes[i]!;
      if (byte === newline) {
        this.#state = 'begin';
        onRow(i + 1, this.firstLine);
        this.firstLine = ++this.#line;
      } else if (byte === this.#delimiter) this.#state = 'begin';
      else if (byte === quote && this.#state !== 'plain') {
        // At the begin of a field, or the second of two within one.
        if (this.#state === 'begin') this.#quoteLine = this.#line;
        this.#state = 'quoted';
      } else this.#state = 'plain';
    }
  }
}
