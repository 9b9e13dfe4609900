import { tokenBytesOf } from '../../../base/tokens.ts';
import { codePointAt, classOf, space, widthOf } from '../bpe/classes.ts';
import { Encoder } from '../bpe/encoder.ts';
import { bytesOfLetters } from '../bpe/letters.ts';
import { TokenBuffer } from '../bpe/tokenBuffer.ts';
import { type Merge, Vocabulary } from '../bpe/vocabulary.ts';
import type { OwnName, Tokenizer } from '../types.ts';
import type { AddedToken, Definition } from './definition.ts';

const utf8 = new TextEncoder();
const nothing = new Uint8Array();

/** An added token, as it is looked for in text. */
interface Mark extends AddedToken {
  readonly bytes: Uint8Array;
}

/** Merges by ids: what two tokens become is the token of both their bytes. @throws Error when there is none */
function mergesOf({ tokens, merges }: Definition): Merge[] {
  const byText = new Map(tokens.flatMap((text, token) => (text === null ? [] : [[text, token] as const])));
  return Array.from({ length: merges.length / 2 }, (_, i): Merge => {
    const [left, right] = [merges[2 * i]!, merges[2 * i + 1]!];
    const token = byText.get(`${tokens[left] ?? ''}${tokens[right] ?? ''}`);
    if (token === undefined) throw new Error(`merge ${i + 1} makes no token`);
    return [left, right, token];
  });
}

function encoderOf(definition: Definition): Encoder {
  const bytes = new Int32Array(256).fill(definition.unknown ?? 0);
  for (const [token, text] of definition.tokens.entries()) {
    if (text?.length === 1) bytes[bytesOfLetters(text)![0]!] = token;
  }
  return new Encoder(Vocabulary.ofMerges(bytes, mergesOf(definition)));
}

/** The bytes that each token stands for. */
function piecesOf({ tokens, added, endOfText, startOfText }: Definition): Uint8Array[] {
  const pieces = tokens.map((text) => (text === null ? nothing : bytesOfLetters(text)!));
  for (const { id, text } of added) pieces[id] = utf8.encode(text);
  pieces[endOfText] = pieces[startOfText] = nothing;
  return pieces;
}

/** Where white space before a place begins. */
function spaceBefore(bytes: Uint8Array, from: number, at: number): number {
  while (at > from) {
    let begin = at - 1;
    while (begin > from && (bytes[begin]! & 0xc0) === 0x80) begin--;
    if (classOf(codePointAt(bytes, begin)) !== space) break;
    at = begin;
  }
  return at;
}

/** Where white space from a place on ends. */
function spaceBehind(bytes: Uint8Array, at: number): number {
  while (at < bytes.length && classOf(codePointAt(bytes, at)) === space) at += widthOf(bytes[at]!);
  return at;
}

/** Looks for added tokens in text: the first one, and of several there the longest, as Hugging Face's tokenizers do. */
class Marks {
  /** By their first byte, the longest first. */
  readonly #byFirst: (readonly Mark[])[] = [];

  constructor(added: readonly AddedToken[]) {
    const marks = added.map((a) => ({ ...a, bytes: utf8.encode(a.text) }));
    for (const mark of marks.toSorted((a, b) => b.bytes.length - a.bytes.length))
      this.#byFirst[mark.bytes[0]!] = [...(this.#byFirst[mark.bytes[0]!] ?? []), mark];
  }

  find(bytes: Uint8Array, from: number): { mark: Mark; at: number } | undefined {
    for (let at = from; at < bytes.length; at++) {
      const mark = this.#byFirst[bytes[at]!]?.find((m) => m.bytes.every((byte, i) => bytes[at + i] === byte));
      if (mark) return { mark, at };
    }
    return undefined;
  }
}

/**
 * A byte-pair encoding that came with a model. Its added tokens in a text become what they are, as in Hugging Face's
 * tokenizers, but for those that begin and end a text: text never becomes these.
 */
export function ownTokenizer(name: OwnName, definition: Definition): Tokenizer {
  const { endOfText, startOfText, added, tokens } = definition;
  const marked = added.filter((a) => a.id !== endOfText && a.id !== startOfText);
  const marks = marked.length > 0 ? new Marks(marked) : undefined;
  const pieces = piecesOf(definition);
  const bytesOf = (token: number): Uint8Array => pieces[token] ?? nothing;
  /** Made when it is first used, for it takes a moment. */
  let encoder: Encoder | undefined;
  const encodeInto = (bytes: Uint8Array, out: TokenBuffer): void => {
    encoder ??= encoderOf(definition);
    let begin = 0;
    for (let found = marks?.find(bytes, 0); found; found = marks?.find(bytes, begin)) {
      const { mark, at } = found;
      encoder.encode(bytes.subarray(begin, mark.lstrip ? spaceBefore(bytes, begin, at) : at), out);
      out.push(mark.id);
      begin = at + mark.bytes.length;
      if (mark.rstrip) begin = spaceBehind(bytes, begin);
    }
    encoder.encode(begin === 0 ? bytes : bytes.subarray(begin), out);
  };
  return {
    name,
    vocabSize: tokens.length,
    endOfText,
    startOfText,
    encodeInto,
    encode(text) {
      const out = new TokenBuffer(text.length, tokenBytesOf(tokens.length));
      encodeInto(utf8.encode(text), out);
      return out.slice();
    },
    decode: (ids) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(Buffer.concat(Array.from(ids, bytesOf))),
    byteLength(ids) {
      let bytes = 0;
      for (const id of ids) bytes += bytesOf(id).length;
      return bytes;
    },
    streamDecoder() {
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      return {
        push: (id) => decoder.decode(bytesOf(id), { stream: true }),
        end: () => decoder.decode(),
      };
    },
  };
}
