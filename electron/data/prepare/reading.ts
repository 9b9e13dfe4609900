import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { setImmediate as breath } from 'node:timers/promises';
import v8 from 'node:v8';
import { crc32 } from 'node:zlib';
import { content } from '../archives/content.ts';
import { inPieces } from '../archives/pieces.ts';
import type { Selection, Unusable } from './documents.ts';
import { type Fault, faultOf } from '../formats/fileError.ts';
import { documentFormatOf, type JobOptions, type ParseJob } from '../formats/index.ts';
import { type Input, isPlain, sha256Of } from '../inputs/inputs.ts';
import { TextBatch, type TextDocument } from './text/batch.ts';
import { Cutter, type Segment, segmentBytes } from './text/cutter.ts';
import { asUtf8, Utf8Stream } from './text/encoding.ts';
import { type TextPayload, textFormat } from './text/parse.ts';
import type { Separator } from './text/separator.ts';

/** A file that has been read. */
export interface FileEnd {
  readonly input: Input;
  readonly sha256: string;
  /** How many separators were met in it. */
  readonly separators: number;
}

/** What there is to do, in the order of files and documents. Jobs are done by threads, and their results taken in this order. */
export type Step =
  /** Documents of a file that has many. */
  | { readonly type: 'documents'; readonly job: ParseJob; readonly input: Input }
  | { readonly type: 'bad'; readonly input: Input; readonly bad: Unusable }
  /** Short texts: one for each document of the job. */
  | { readonly type: 'texts'; readonly job: ParseJob; readonly documents: readonly TextDocument[] }
  /** A part of a long text. */
  | { readonly type: 'part'; readonly job: ParseJob; readonly input: Input; readonly segment: Omit<Segment, 'bytes'> }
  /** A file can't be read to its end. */
  | { readonly type: 'fault'; readonly input: Input; readonly fault: Fault }
  | { readonly type: 'ends'; readonly files: readonly FileEnd[] };

export interface ReadingOptions extends JobOptions {
  readonly separator: Separator | undefined;
  readonly signal: AbortSignal | undefined;
  /** Told of bytes of files that have been read. */
  readonly onRead: (bytes: number) => void;
}

/** Pieces that files are read in: the same ones each time, so that a file is cut in the same way again. */
const pieceBytes = 1 << 20;
/** Files up to this size are read in one go, and many of them become one job. */
const smallBytes = segmentBytes;
/** So many of them are read without a pause. */
const filesAtOnce = 64;

/** Reads files one after another, and cuts them into jobs. */
export async function* steps(inputs: readonly Input[], options: ReadingOptions): AsyncGenerator<Step> {
  let batch = new TextBatch();
  let ends: FileEnd[] = [];
  function* flush(): Generator<Step> {
    if (!batch.isEmpty) yield textsStep(batch, options.selection);
    if (ends.length > 0) yield { type: 'ends', files: ends };
    batch = new TextBatch();
    ends = [];
  }
  for (const [i, input] of inputs.entries()) {
    options.signal?.throwIfAborted();
    if (isReadInPieces(input)) {
      yield* flush();
      yield* fileSteps(input, options);
      continue;
    }
    if (i % filesAtOnce === 0) await breath();
    const read = readSmall(input, options.separator);
    if ('fault' in read) {
      yield* flush();
      yield { type: 'fault', input, fault: read.fault };
    } else for (const segment of read.segments) batch.add(input, segment);
    options.onRead(input.bytes);
    ends.push({ input, sha256: input.sha256!, separators: 'fault' in read ? 0 : read.separators });
    if (batch.isFull || ends.length >= 1000) yield* flush();
  }
  yield* flush();
}

/** Whether a file has steps of its own, rather than a part in one of many files. */
const isReadInPieces = (input: Input): boolean => !isPlain(input) || input.bytes > smallBytes;

/** The file that a step is of; undefined where it may be of several, or ends them. */
export function fileOfStep(step: Step): Input | undefined {
  const input = step.type === 'texts' ? step.documents[0]?.input : 'input' in step ? step.input : undefined;
  return input && isReadInPieces(input) ? input : undefined;
}

/** Tells steps from others, behind what was told of those before. */
export function digestOf(step: Step, before: number): number {
  const {
    input: _,
    files: __,
    documents: ___,
    job,
    ...rest
  } = { input: 0, files: 0, documents: 0, job: undefined, ...step };
  return crc32(v8.serialize([rest, job?.payload]), before);
}

const textsStep = (batch: TextBatch, selection: Selection): Step => ({
  type: 'texts',
  documents: batch.documents,
  job: textJob(batch.payload, selection),
});

const textJob = (payload: TextPayload, selection: Selection): ParseJob => ({ format: textFormat, selection, payload });

function readSmall(
  input: Input,
  separator: Separator | undefined,
): { segments: Segment[]; separators: number } | { fault: Fault } {
  try {
    const reader = new TextReader(separator);
    const segments = [...reader.push(fs.readFileSync(input.path)), ...reader.end()];
    return { segments, separators: reader.cutter.separators };
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    return { fault };
  }
}

/** Documents and parts of long ones, with their places in the file. */
class TextReader {
  readonly cutter: Cutter;
  readonly #stream = new Utf8Stream();
  readonly #isSplit: boolean;

  constructor(separator: Separator | undefined) {
    this.cutter = new Cutter(separator);
    this.#isSplit = separator !== undefined;
  }

  *push(chunk: Uint8Array): Generator<Segment> {
    yield* this.#placed(this.cutter.push(this.#stream.push(chunk)));
  }

  *end(): Generator<Segment> {
    yield* this.#placed(this.cutter.push(this.#stream.end()));
    yield* this.#placed(this.cutter.end());
  }

  *#placed(segments: Iterable<Segment>): Generator<Segment> {
    for (const segment of segments) {
      if (this.#isSplit && isBlank(segment)) continue;
      yield { ...segment, offset: segment.offset + this.#stream.skipped };
    }
  }
}

async function* fileSteps(input: Input, options: ReadingOptions): AsyncGenerator<Step> {
  const hash = input.sha256 === undefined ? createHash('sha256') : undefined;
  let read = 0;
  const onRead = (bytes: number): void => {
    read += bytes;
    options.onRead(bytes);
  };
  const raw = content(input, (bytes) => {
    options.signal?.throwIfAborted();
    hash?.update(bytes);
    onRead(bytes.length);
  });
  const chunks = inPieces(raw, pieceBytes);
  const reader = new TextReader(options.separator);
  let isRead = true;
  try {
    if (input.format === textFormat) yield* textSteps(input, chunks, reader, options);
    else {
      isRead = documentFormatOf(input.format).reads === 'stream';
      for await (const job of documentFormatOf(input.format).jobs(input, asUtf8(chunks), options)) {
        if ('reason' in job) yield { type: 'bad', input, bad: job };
        else {
          yield { type: 'documents', job, input };
          onRead(input.bytes * (job.share ?? 0));
        }
      }
    }
  } catch (error) {
    const fault = faultOf(error);
    if (!fault) throw error;
    isRead = false;
    yield { type: 'fault', input, fault };
  }
  const sha256 = input.sha256 ?? (isRead ? hash!.digest('hex') : await sha256Of(input.path, options.signal));
  onRead(input.bytes - read);
  yield { type: 'ends', files: [{ input, sha256, separators: reader.cutter.separators }] };
}

async function* textSteps(
  input: Input,
  chunks: AsyncIterable<Uint8Array>,
  reader: TextReader,
  { selection }: ReadingOptions,
): AsyncGenerator<Step> {
  let batch = new TextBatch();
  function* flush(): Generator<Step> {
    if (!batch.isEmpty) yield textsStep(batch, selection);
    batch = new TextBatch();
  }
  function* taken(segments: Iterable<Segment>): Generator<Step> {
    for (const segment of segments) {
      const { bytes, ...rest } = segment;
      if (segment.first && segment.last) {
        batch.add(input, segment);
        if (batch.isFull) yield* flush();
      } else {
        yield* flush();
        // A copy: a view would take all that it is a view of along to the thread.
        yield { type: 'part', input, segment: rest, job: textJob({ bytes: new Uint8Array(bytes) }, selection) };
      }
    }
  }
  for await (const chunk of chunks) yield* taken(reader.push(chunk));
  yield* taken(reader.end());
  yield* flush();
}

/** Whether a document between two separators is whitespace of ASCII alone, such as the end of a file: it is none. */
const isBlank = ({ bytes, first, last }: Segment): boolean =>
  first && last && bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
