/** Whole lines of a file, with their ends. */
export interface LineBlock {
  readonly bytes: Uint8Array;
  /** Number of the first of them, from 1. */
  readonly firstLine: number;
}

/** A line that is too long to be taken. */
export interface LongLine {
  readonly line: number;
  readonly bytes: number;
}

const newline = 0x0a;
/** A block is about this large, where lines are not. */
const blockBytes = 1 << 20;

const countLines = (bytes: Uint8Array): number => {
  let lines = 0;
  for (let at = bytes.indexOf(newline); at >= 0; at = bytes.indexOf(newline, at + 1)) lines++;
  return lines;
};

/**
 * Cuts a stream of bytes into blocks of whole lines. A line that is longer than `longest` is passed over without being
 * kept in memory.
 * @yields blocks and, in their place, lines that are too long
 */
export async function* lineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  longest: number,
): AsyncGenerator<LineBlock | LongLine> {
  const whole = new Pieces();
  /** The begin of a line that has not ended; of one that is too long only its size. */
  const open = new Pieces();
  let line = 1;
  const block = (): LineBlock => {
    const bytes = whole.take();
    const firstLine = line;
    line += countLines(bytes);
    return { bytes, firstLine };
  };
  for await (const chunk of chunks) {
    const end = chunk.indexOf(newline) + 1;
    const last = chunk.lastIndexOf(newline) + 1;
    if (end > 0) {
      // The line that was open ends here.
      const size = open.bytes + end - 1;
      if (size > longest) {
        if (whole.bytes > 0) yield block();
        open.take();
        yield { line: line++, bytes: size };
      } else {
        whole.add(open.take());
        whole.add(chunk.subarray(0, end));
      }
      whole.add(chunk.subarray(end, last));
      if (whole.bytes >= blockBytes) yield block();
    }
    const rest = chunk.subarray(last);
    if (open.bytes + rest.length > longest) open.forget(rest.length);
    else open.add(rest);
  }
  const size = open.bytes;
  if (size > longest) {
    if (whole.bytes > 0) yield block();
    yield { line, bytes: size };
    return;
  }
  whole.add(open.take());
  if (whole.bytes > 0) yield block();
}

/** Pieces of bytes that belong together. */
class Pieces {
  #parts: Uint8Array[] = [];
  bytes = 0;

  add(part: Uint8Array): void {
    if (part.length > 0) this.#parts.push(part);
    this.bytes += part.length;
  }

  /** Only the size is of interest from here on. */
  forget(more: number): void {
    this.#parts = [];
    this.bytes += more;
  }

  take(): Uint8Array {
    const all = Buffer.concat(this.#parts);
    this.#parts = [];
    this.bytes = 0;
    return all;
  }
}
