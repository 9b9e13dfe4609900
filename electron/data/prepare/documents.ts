import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { hashOf } from '../sampling/permutation.ts';
import { tokenBytesOf, type Tokens } from '../../base/tokens.ts';
import { bucketOf, type Subset } from '../subsets.ts';
import { TokenBuffer } from '../tokenizers/bpe/tokenBuffer.ts';
import { markersIn } from './text/marker.ts';
import { getTokenizer, type TokenizerName } from '../tokenizers/index.ts';
import { comparable, isNullAt, textAt, textFieldsOf, valueAt, type Where, whyNoText } from '../formats/fields.ts';
import { parseJson, whyNoJson } from '../formats/json.ts';
import { Tally, type TallyCounts } from './tally.ts';

/** Which documents are taken, and how. */
export interface Selection {
  readonly tokenizer: TokenizerName;
  /** The field of a document that has its text, by its path. */
  readonly textField: string;
  /** Conditions that documents meet, all of them. */
  readonly where: readonly Where[];
  readonly subset: Subset;
  readonly valFraction: number;
  /** Whether it is noted which fields documents have, to choose among. */
  readonly listFields?: true;
}

/** A document's place: a bucket of the training split, or validation. */
export const validation = -1;

/** What comes of a block of lines. */
export interface Parsed {
  /** Of all documents, end to end. */
  readonly tokens: Tokens;
  /** Of each document: its bucket or `validation`, and where its tokens end. */
  readonly places: Int32Array;
  readonly ends: Int32Array;
  readonly textBytes: number;
  /** Lines that hold a document, taken or not. */
  readonly good: number;
  readonly bad: readonly Unusable[];
  /** Of the good ones: documents that do not have the field of the text at all. Why the first of them has none. */
  readonly absent: { readonly documents: number; readonly reason?: string };
  /** How often a text says `<|endoftext|>`, in letters. */
  readonly markers: number;
  /** What else is worth reporting. */
  readonly tally: TallyCounts;
  /** Fields with text, where they were asked for. */
  readonly fields?: readonly string[];
}

/** Lines or rows that hold no document. */
export interface Unusable {
  /** The first of them. */
  readonly line: number;
  /** How many. Default: the one. */
  readonly lines?: number;
  readonly reason: string;
  /** The byte of a text that is the reason. */
  readonly at?: number;
}

/** The bucket of a text, and whether it is for validation: by its content alone. */
export function placeOf(
  text: string | Uint8Array,
  { subset, valFraction }: Pick<Selection, 'subset' | 'valFraction'>,
): number | undefined {
  return placeOfHash(createHash('sha256').update(text).digest('hex'), { subset, valFraction });
}

/** The same of a text whose hash is known. @param sha256 in hexadecimal digits */
export function placeOfHash(
  sha256: string,
  { subset, valFraction }: Pick<Selection, 'subset' | 'valFraction'>,
): number | undefined {
  const bucket = bucketOf(sha256);
  if (bucket < subset.from || bucket >= subset.to) return undefined;
  const share = hashOf(Number.parseInt(sha256.slice(0, 12), 16)) / 2 ** 32;
  return share < valFraction ? validation : bucket;
}

/** Tokens of documents that are put behind each other. */
export class Collected {
  /** Made for the first of them, whose tokenizer says how wide they are. */
  #tokens: TokenBuffer | undefined;
  readonly places: number[] = [];
  readonly ends: number[] = [];
  textBytes = 0;
  good = 0;
  readonly bad: Unusable[] = [];
  #absent = 0;
  #whyAbsent: string | undefined;
  markers = 0;
  readonly tally = new Tally();
  readonly #fields = new Set<string>();

  /** Takes a document, if it is selected. An empty one is nothing. */
  add(text: string, selection: Selection): void {
    this.addUtf8(Buffer.from(text), selection);
  }

  /** The same of text that is well-formed UTF-8 already. */
  addUtf8(utf8: Uint8Array, selection: Selection): void {
    this.good++;
    if (utf8.length === 0) {
      this.tally.empty++;
      return;
    }
    const place = placeOf(utf8, selection);
    if (place === undefined) return;
    const tokenizer = getTokenizer(selection.tokenizer);
    const tokens = (this.#tokens ??= new TokenBuffer(1 << 19, tokenBytesOf(tokenizer.vocabSize)));
    tokenizer.encodeInto(utf8, tokens);
    tokens.push(tokenizer.endOfText);
    this.places.push(place);
    this.ends.push(tokens.length);
    this.textBytes += utf8.length;
    this.markers += markersIn(utf8);
  }

  /** Notes which fields with text a document has. */
  noteFields(value: unknown): void {
    for (const field of textFieldsOf(value)) this.#fields.add(field);
  }

  /** Counts a document without the field of the text. @param why told of the first one */
  lack(why: () => string): void {
    this.good++;
    this.#absent++;
    this.#whyAbsent ??= why();
  }

  get parsed(): Parsed {
    return {
      tokens: this.#tokens?.slice() ?? new Uint16Array(),
      places: Int32Array.from(this.places),
      ends: Int32Array.from(this.ends),
      textBytes: this.textBytes,
      good: this.good,
      bad: this.bad,
      absent: { documents: this.#absent, ...(this.#whyAbsent === undefined ? {} : { reason: this.#whyAbsent }) },
      markers: this.markers,
      tally: this.tally.counts,
      ...(this.#fields.size > 0 ? { fields: [...this.#fields] } : {}),
    };
  }
}

/** So many fields without a text are explained, of a block. */
const maxExplained = 3;

/**
 * Takes a document that is written in JSON.
 * @param wellFormed whether it is known to be UTF-8
 * @returns what is wrong with it; undefined when nothing is
 */
export function takeJson(
  bytes: Buffer,
  wellFormed: boolean,
  selection: Selection,
  collected: Collected,
): string | undefined {
  if (!wellFormed && !isUtf8(bytes)) return 'not UTF-8';
  let source = bytes.toString('utf8');
  // Files with byte order marks may have been put behind each other.
  if (source.startsWith('\ufeff')) source = source.slice(1);
  if (source.trim() === '') return undefined; // as at the end of a file
  let value: unknown;
  try {
    const parsed = parseJson(source);
    value = parsed.value;
    if (parsed.nonFinite) collected.tally.nonFinite++;
  } catch {
    return whyNoJson(source);
  }
  return takeValue(value, selection, collected);
}

/** Takes a document that is read. @returns what is wrong with it; undefined when nothing is */
export function takeValue(value: unknown, selection: Selection, collected: Collected): string | undefined {
  const { textField, where, listFields } = selection;
  if (listFields) collected.noteFields(value);
  const text = textAt(value, textField);
  const isNull = text === undefined && isNullAt(value, textField);
  // Rows that a condition keeps out may have other fields; what is no row at all meets no condition.
  const isRow = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (text === undefined && !isNull && !isRow) return whyNoText(value, textField);
  for (const { path, values } of where) {
    const found = comparable(valueAt(value, path));
    if (!found.some((v) => values.includes(v))) {
      collected.good++;
      collected.tally.reject(path, found);
      return undefined;
    }
  }
  // Tables have rows without a text, as they have rows with an empty one.
  if (isNull) {
    collected.add('', selection);
    return undefined;
  }
  // Whether that is a row without text, or a field that does not exist, other rows of the file tell.
  if (text === undefined && valueAt(value, textField) === undefined) {
    collected.lack(() => whyNoText(value, textField));
    return undefined;
  }
  if (text === undefined)
    return collected.bad.length < maxExplained ? whyNoText(value, textField) : `no text in the field ${textField}`;
  // Halves of characters are no text: in UTF-8 each becomes U+FFFD, as in a tokenizer.
  collected.add(text.toWellFormed(), selection);
  return undefined;
}

/** Documents of which nothing is taken, for nobody knows which of them are good. */
export const noneOf = (line: number, lines: number, reason: string): Parsed => ({
  ...new Collected().parsed,
  bad: [{ line, lines, reason }],
});
