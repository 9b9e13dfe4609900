import { isUtf8 } from 'node:buffer';
import { Collected, type Parsed, type Selection, takeJson } from '../prepare/documents.ts';
import type { DocumentFormat } from './format.ts';
import { lineBlocks } from './lineBlocks.ts';

interface Payload {
  readonly bytes: Uint8Array;
  readonly firstLine: number;
}

/** A JSON object a line. */
export const jsonLines: DocumentFormat = {
  name: 'JSON lines',
  endings: ['.jsonl', '.ndjson', '.jl'],
  unit: 'line',
  reads: 'stream',
  async *jobs(_, content, { selection, longest }) {
    for await (const block of lineBlocks(content, longest)) {
      if ('line' in block) yield { line: block.line, reason: `${block.bytes} bytes are too many for a line` };
      else yield { format: jsonLines.name, selection, payload: block satisfies Payload };
    }
  },
  parse({ payload, selection }) {
    const { bytes, firstLine } = payload as Payload;
    return parseLines(bytes, firstLine, selection);
  },
};

const newline = 0x0a;

/** Documents of a block of lines, each a JSON object. What is none is told, with its line. */
function parseLines(bytes: Uint8Array, firstLine: number, selection: Selection): Parsed {
  const collected = new Collected();
  const wellFormed = isUtf8(bytes);
  let line = firstLine;
  for (let begin = 0; begin < bytes.length; line++) {
    const found = bytes.indexOf(newline, begin);
    const end = found < 0 ? bytes.length : found;
    const own = Buffer.from(bytes.buffer, bytes.byteOffset + begin, end - begin);
    begin = end + 1;
    const reason = takeJson(own, wellFormed, selection, collected);
    if (reason !== undefined) collected.bad.push({ line, reason });
  }
  return collected.parsed;
}
