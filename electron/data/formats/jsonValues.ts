import { isUtf8 } from 'node:buffer';
import { Collected, type Parsed, type Selection, takeJson, type Unusable } from '../prepare/documents.ts';
import { cutOff, FileError } from './fileError.ts';
import type { DocumentFormat, ParseJob } from './format.ts';
import { ValueScanner } from './json.ts';

interface Payload {
  readonly bytes: Uint8Array;
  /** Where each value ends, and the line it begins in. */
  readonly ends: Int32Array;
  readonly lines: Int32Array;
}

/** A block of values is about this large. */
const blockBytes = 1 << 20;

/** A list of JSON objects or strings, or objects that follow each other, over as many lines as they like. */
export const jsonValues: DocumentFormat = {
  name: 'JSON',
  endings: ['.json'],
  unit: 'line',
  reads: 'stream',
  async *jobs(_, content, { selection, longest }) {
    const scanner = new ValueScanner();
    const block = new Block(selection);
    const tooLong: Unusable[] = [];
    let open: Uint8Array[] | undefined;
    let openBytes = 0;
    let openLine = 0;
    for await (const chunk of content) {
      let begin = 0;
      const end = (at: number): void => {
        openBytes += at - begin;
        if (openBytes > longest)
          tooLong.push({ line: openLine, reason: `${openBytes} bytes are too many for a document` });
        else block.add([...open!, chunk.subarray(begin, at)], openLine);
        open = undefined;
      };
      scanner.scan(
        chunk,
        (at, line) => {
          begin = at;
          open = [];
          openBytes = 0;
          openLine = line;
        },
        end,
      );
      if (open) {
        openBytes += chunk.length - begin;
        if (openBytes > longest) open = [];
        else open.push(Uint8Array.from(chunk.subarray(begin)));
      }
      if (block.bytes >= blockBytes) yield block.take();
      yield* tooLong.splice(0);
      if (scanner.trailing) break;
    }
    const unfinished = scanner.finish(0, () => {
      if (openBytes <= longest) block.add(open!, openLine);
    });
    if (block.bytes > 0) yield block.take();
    if (scanner.trailing)
      throw new FileError('damaged', `holds more behind the end of its list, in line ${scanner.line}`, 'cut it off');
    if (unfinished) throw cutOff();
  },
  parse({ payload, selection }) {
    return parseValues(payload as Payload, selection);
  },
};

/** Values for a job. */
class Block {
  readonly #selection: Selection;
  #parts: Uint8Array[] = [];
  #ends: number[] = [];
  #lines: number[] = [];
  bytes = 0;

  constructor(selection: Selection) {
    this.#selection = selection;
  }

  add(parts: readonly Uint8Array[], line: number): void {
    for (const part of parts) {
      this.#parts.push(part);
      this.bytes += part.length;
    }
    this.#ends.push(this.bytes);
    this.#lines.push(line);
  }

  take(): ParseJob {
    const payload: Payload = {
      bytes: Buffer.concat(this.#parts),
      ends: Int32Array.from(this.#ends),
      lines: Int32Array.from(this.#lines),
    };
    [this.#parts, this.#ends, this.#lines, this.bytes] = [[], [], [], 0];
    return { format: jsonValues.name, selection: this.#selection, payload };
  }
}

function parseValues({ bytes, ends, lines }: Payload, selection: Selection): Parsed {
  const collected = new Collected();
  const wellFormed = isUtf8(bytes);
  let begin = 0;
  for (const [i, end] of ends.entries()) {
    const own = Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin);
    begin = end;
    const reason = takeJson(own, wellFormed, selection, collected);
    if (reason !== undefined) collected.bad.push({ line: lines[i]!, reason });
  }
  return collected.parsed;
}
