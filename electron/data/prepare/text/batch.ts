import type { Input } from '../../inputs/inputs.ts';
import type { TextPayload } from './parse.ts';
import { type Segment, segmentBytes } from './cutter.ts';

/** Where a document comes from: the file, and the place of its text there. */
export interface TextDocument {
  readonly input: Input;
  readonly offset: number;
}

const maxDocuments = 1000;

/** Short documents that become one job: many files, or documents of one file. */
export class TextBatch {
  readonly documents: TextDocument[] = [];
  readonly #parts: Uint8Array[] = [];
  readonly #ends: number[] = [];
  #bytes = 0;

  add(input: Input, { bytes, offset }: Segment): void {
    this.documents.push({ input, offset });
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    this.#ends.push(this.#bytes);
  }

  get isEmpty(): boolean {
    return this.documents.length === 0;
  }

  get isFull(): boolean {
    return this.#bytes >= segmentBytes || this.documents.length >= maxDocuments;
  }

  get payload(): TextPayload {
    const bytes = new Uint8Array(this.#bytes);
    for (const [i, part] of this.#parts.entries()) bytes.set(part, this.#ends[i]! - part.length);
    return { bytes, ends: Uint32Array.from(this.#ends) };
  }
}
