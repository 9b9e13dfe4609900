import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { bytesOfLetters, letters } from '../../data/tokenizers/bpe/letters.ts';
import { maxMerges } from '../../data/tokenizers/bpe/vocabulary.ts';
import type { AddedToken, Definition } from '../../data/tokenizers/own/definition.ts';
import { UserError } from '../../base/errors.ts';
import { firstIssue } from '../../base/issues.ts';
import { maxVocabSize } from '../../base/tokens.ts';
import { readJson, readText } from './jsonFile.ts';

/** What a folder's tokenizer does, as it is in its files: more tokens than the model has rows may be among them. */
export interface FolderTokenizer {
  readonly definition: Definition;
  /** Its own tokens, and those that begin and end a text, are below this; what lies behind was added later. */
  readonly baseSize: number;
  /** The files that say so, by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What people should know of how they were read. */
  readonly notices: readonly string[];
}

const maxBytes = 64 << 20;
/** Ids up to the largest that stand for no token, at most: a file that names one far off would take memory for all below it. */
const maxGaps = 65536;

/** All that a tokenizer of this kind comes in; what is not among them (a chat template's file …) is not ours to know. */
const fileNames = [
  'tokenizer.json',
  'vocab.json',
  'merges.txt',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
] as const;

/** Files of tokenizers that are of another kind, with what it is. */
const otherKinds: readonly (readonly [name: string, kind: string])[] = [
  ['tokenizer.model', 'SentencePiece'],
  ['spiece.model', 'SentencePiece'],
  ['sentencepiece.bpe.model', 'SentencePiece'],
  ['spm.model', 'SentencePiece'],
  ['tiktoken.model', 'tiktoken'],
  ['vocab.txt', 'WordPiece'],
];

const addedSchema = z.looseObject({
  id: z.int().min(0).optional(),
  content: z.string(),
  lstrip: z.boolean().default(false),
  rstrip: z.boolean().default(false),
  single_word: z.boolean().default(false),
});
type Added = z.infer<typeof addedSchema>;

/** A map: a token may be called as what every object has, such as `constructor`. */
const vocabSchema = z.record(z.string(), z.int().min(0)).transform((v) => new Map(Object.entries(v)));

const modelSchema = z.looseObject({
  type: z.string().default('BPE'),
  vocab: z.unknown(),
  merges: z.array(z.union([z.string(), z.tuple([z.string(), z.string()])])).default([]),
  dropout: z.number().nullish(),
  unk_token: z.string().nullish(),
  continuing_subword_prefix: z.string().nullish(),
  end_of_word_suffix: z.string().nullish(),
  fuse_unk: z.boolean().nullish(),
  byte_fallback: z.boolean().nullish(),
  ignore_merges: z.boolean().nullish(),
});

interface Part {
  readonly type?: string;
  readonly [key: string]: unknown;
}

const wholeSchema = z.looseObject({
  model: modelSchema,
  added_tokens: z.array(addedSchema).nullish(),
  normalizer: z.custom<Part | null>().optional(),
  pre_tokenizer: z.custom<Part | null>().optional(),
  post_processor: z.custom<Part | null>().optional(),
});

const tokenText = z.union([z.string(), z.looseObject({ content: z.string() }).transform((t) => t.content)]);
const settingsSchema = z.looseObject({
  tokenizer_class: z.string().nullish(),
  add_prefix_space: z.boolean().nullish(),
  add_bos_token: z.boolean().nullish(),
  add_eos_token: z.boolean().nullish(),
  bos_token: tokenText.nullish(),
  eos_token: tokenText.nullish(),
  added_tokens_decoder: z.record(z.string(), addedSchema).nullish(),
});
type Settings = z.infer<typeof settingsSchema>;

/** Of config.json: ids, of which the first of several counts. */
const idsSchema = z.looseObject({
  bos_token_id: z.unknown().optional(),
  eos_token_id: z.unknown().optional(),
});

/** GPT-2's pattern, as files spell it. */
const gpt2Patterns = [
  String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
  String.raw`'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`,
];

const remedy = 'only byte-level BPE as GPT-2 has it can be read here';

function refuse(file: string, what: string): UserError {
  return new UserError(`${file}: ${what}, and ${remedy}: take a model with such a tokenizer.`);
}

/** What is told of a value that a schema does not take. */
function parsed<T extends z.ZodType>(schema: T, value: unknown, file: string): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { name, message } = firstIssue(result.error, 'the whole');
  throw new UserError(`${file}: ${name} is not what a tokenizer has (${message}).`);
}

const partsOf = (part: Part | null | undefined, list: string): readonly Part[] =>
  !part ? [] : part.type === 'Sequence' ? ((part[list] as Part[] | undefined) ?? []) : [part];

/** @throws UserError when text is changed, cut or completed in another way than GPT-2's tokenizer does it */
function requireKind(file: string, whole: z.infer<typeof wholeSchema>): void {
  const { model } = whole;
  if (model.type !== 'BPE') throw refuse(file, `its tokenizer is ${model.type}`);
  if (model.byte_fallback) throw refuse(file, 'it falls back to bytes (byte_fallback), as SentencePiece does');
  if (model.ignore_merges) throw refuse(file, 'it takes whole words before merges (ignore_merges), as Llama 3 does');
  if (model.dropout) throw refuse(file, `it leaves out merges at random (dropout ${model.dropout})`);
  if (model.continuing_subword_prefix)
    throw refuse(file, `it marks parts of words (continuing_subword_prefix "${model.continuing_subword_prefix}")`);
  if (model.end_of_word_suffix)
    throw refuse(file, `it marks ends of words (end_of_word_suffix "${model.end_of_word_suffix}")`);
  for (const { type } of partsOf(whole.normalizer, 'normalizers'))
    throw refuse(file, `it changes text before it is cut (normalizer ${type})`);
  requireSplit(file, partsOf(whole.pre_tokenizer, 'pretokenizers'));
  for (const part of partsOf(whole.post_processor, 'processors')) {
    const isPlain =
      part.type === 'ByteLevel' ||
      (part.type === 'TemplateProcessing' && (part.single as unknown[] | undefined)?.length === 1);
    if (!isPlain) throw refuse(file, `it puts tokens around each text (post_processor ${part.type})`);
  }
}

function requireSplit(file: string, parts: readonly Part[]): void {
  const last = parts.at(-1);
  if (last?.type !== 'ByteLevel')
    throw refuse(file, `it cuts text by ${parts.map((p) => p.type).join(' and ') || 'nothing'} (pre_tokenizer)`);
  if (last.add_prefix_space) throw refuse(file, 'it puts a space before each text (add_prefix_space)');
  const before = parts.slice(0, -1);
  if (before.length === 0 && last.use_regex !== false) return;
  const [split] = before;
  const pattern = (split?.pattern as { Regex?: string } | undefined)?.Regex;
  const isGpt2 =
    before.length === 1 &&
    split!.type === 'Split' &&
    last.use_regex === false &&
    (split!.behavior === 'Isolated' || split!.behavior === 'Removed' || split!.behavior === undefined) &&
    gpt2Patterns.includes(pattern ?? '');
  if (!isGpt2)
    throw refuse(
      file,
      `it cuts text by another pattern than GPT-2's (pre_tokenizer ${before.map((p) => p.type).join(' and ') || 'without one'})`,
    );
}

interface Content {
  readonly file: string;
  readonly vocab: ReadonlyMap<string, number>;
  readonly merges: readonly (readonly [left: string, right: string])[];
  readonly added: readonly Added[];
  /** The text of the token that stands for bytes without one. */
  readonly unknown: string | null;
}

/** `tokenizer.json`: all of it in one file. */
function contentOfWhole(file: string, value: unknown): Content {
  const whole = parsed(wholeSchema, value, file);
  requireKind(file, whole);
  const { model } = whole;
  const merges = model.merges.map((merge, i) =>
    typeof merge === 'string' ? pairOf(file, merge, `merge ${i + 1}`) : merge,
  );
  const { unk_token: unknown } = model;
  return {
    file,
    vocab: parsed(vocabSchema, model.vocab, file),
    merges,
    added: whole.added_tokens ?? [],
    unknown: unknown && !model.fuse_unk ? unknown : null,
  };
}

function pairOf(file: string, line: string, place: string): readonly [string, string] {
  const [left, right, ...more] = line.split(' ');
  if (left && right && more.length === 0) return [left, right];
  throw new UserError(`${file}: ${place} is not two tokens with a space between them.`);
}

/** `vocab.json` and `merges.txt`, as GPT-2 was published. */
async function contentOfParts(dir: string, vocab: unknown, merges: string): Promise<Content> {
  const file = path.join(dir, 'vocab.json');
  const mergesFile = path.join(dir, 'merges.txt');
  const lines = merges.split(/\r?\n/).map((line, i) => [line, `line ${i + 1}`] as const);
  if (lines[0]![0].startsWith('#version')) lines.shift();
  const addedFile = path.join(dir, 'added_tokens.json');
  const extra = parsed(vocabSchema, (await readJson(addedFile, maxBytes)) ?? {}, addedFile);
  const plain = { lstrip: false, rstrip: false, single_word: false };
  return {
    file,
    vocab: parsed(vocabSchema, vocab, file),
    merges: lines.filter(([line]) => line !== '').map(([line, place]) => pairOf(mergesFile, line, place)),
    added: [...extra].map(([content, id]) => ({ content, id, ...plain })),
    unknown: null,
  };
}

/** Added tokens by their ids: those of the tokenizer and of its settings, and what these name of its vocabulary. */
function addedOf({ file, added, vocab }: Content, settings: Settings, map: Settings): Map<number, AddedToken> {
  const plain = { lstrip: false, rstrip: false, single_word: false };
  const all = [
    ...added,
    ...Object.entries(settings.added_tokens_decoder ?? {}).map(([id, token]) => ({ ...token, id: Number(id) })),
    ...[...namesIn(settings), ...namesIn(map)].map((content) => ({ ...plain, content })),
  ];
  const byId = new Map<number, AddedToken>();
  const byText = new Map<string, number>();
  for (const { id: given, content: text, lstrip, rstrip, single_word: wholeWord } of all as readonly Added[]) {
    const id = given ?? byText.get(text) ?? vocab.get(text);
    if (id === undefined || text === '') continue; // named and not there: no text becomes it
    const known = byId.get(id);
    if (known) {
      if (known.text === text) continue;
      throw new UserError(`${file}: token ${id} is both ${JSON.stringify(known.text)} and ${JSON.stringify(text)}.`);
    }
    if (wholeWord) throw refuse(file, `its token ${JSON.stringify(text)} is one only as a whole word (single_word)`);
    byId.set(id, { id, text, lstrip, rstrip });
    byText.set(text, id);
  }
  return byId;
}

/** The tokens that settings name: `eos_token`, `pad_token` … */
function namesIn(settings: Settings): string[] {
  const { additional_special_tokens: more } = settings;
  const named = Object.entries(settings).flatMap(([key, value]) => (/^[a-z]+_token$/.test(key) ? [value] : []));
  return [...named, ...(Array.isArray(more) ? more : [])].flatMap((value) => tokenText.safeParse(value).data ?? []);
}

/** How ends of text are called where nothing says which token is it. */
const commonEnds = ['<|endoftext|>', '</s>', '<|end_of_text|>', '<eos>', '[EOS]', '<|eos|>'];

export interface ReadTokenizerOptions {
  /** Rows of the model: its ends of text must be among them. */
  readonly rows: number;
  /** The token that ends a document, where the files don't say, or say it wrong. */
  readonly endOfText?: string;
}

/**
 * The tokenizer in a model's folder: `tokenizer.json`, else `vocab.json` and `merges.txt`, with what the files beside them say.
 * @returns undefined where there is none
 * @throws UserError that names what of it is of another kind, or does not fit together
 */
export async function readTokenizer(dir: string, options: ReadTokenizerOptions): Promise<FolderTokenizer | undefined> {
  const at = (name: string) => path.join(dir, name);
  const settings = parsed(
    settingsSchema,
    (await readJson(at('tokenizer_config.json'), maxBytes)) ?? {},
    at('tokenizer_config.json'),
  );
  const map = parsed(
    settingsSchema,
    (await readJson(at('special_tokens_map.json'), maxBytes)) ?? {},
    at('special_tokens_map.json'),
  );
  const config = parsed(idsSchema, (await readJson(at('config.json'), maxBytes)) ?? {}, at('config.json'));
  const [whole, vocab, list] = [
    await readJson(at('tokenizer.json'), maxBytes),
    await readJson(at('vocab.json'), maxBytes),
    await readText(at('merges.txt'), maxBytes),
  ];
  const notices: string[] = [];
  let content: Content;
  if (whole !== undefined) content = contentOfWhole(at('tokenizer.json'), whole);
  else if (vocab !== undefined && list !== undefined) content = await contentOfParts(dir, vocab, list);
  else return refuseOthers(dir, vocab !== undefined, list !== undefined, settings);
  requireSettings(at('tokenizer_config.json'), settings);
  if (whole !== undefined && vocab !== undefined && !isSameVocabulary(vocab, content.vocab))
    notices.push('tokenizer.json is taken; vocab.json beside it has other tokens');

  const added = addedOf(content, settings, map);
  const tokens = tokensOf(content, added);
  const unknown = unknownOf(content, tokens);
  const merges = mergesOf(content);
  const plain = plainTokens(content, merges);
  const { endOfText, startOfText } = endsOf(content, { settings, map, config, added, plain }, options);
  for (const id of [endOfText, startOfText])
    if (!added.has(id)) added.set(id, { id, text: tokens[id]!, lstrip: false, rstrip: false });
  const base = [...content.vocab].reduce(
    (n, [text, id]) => (added.get(id)?.text === text ? n : Math.max(n, id + 1)),
    0,
  );
  return {
    definition: {
      tokens: tokens.map((text, id) => (added.has(id) && !plain.has(id) ? null : text)),
      merges: merges.flatMap(([left, right]) => [left, right]),
      added: [...added.values()].sort((a, b) => a.id - b.id),
      endOfText,
      startOfText,
      unknown,
    },
    baseSize: Math.max(base, endOfText + 1, startOfText + 1),
    files: Object.fromEntries(
      (await Promise.all(fileNames.map(async (name) => [name, await readText(at(name), maxBytes)] as const))).flatMap(
        ([name, text]) => (text === undefined ? [] : [[name, text] as const]),
      ),
    ),
    notices,
  };
}

function requireSettings(file: string, settings: Settings): void {
  if (settings.add_prefix_space) throw refuse(file, 'it puts a space before each text (add_prefix_space)');
  if (settings.add_bos_token || settings.add_eos_token)
    throw refuse(
      file,
      `it puts tokens around each text (${settings.add_bos_token ? 'add_bos_token' : 'add_eos_token'})`,
    );
}

/** @returns undefined where the folder has no tokenizer at all @throws UserError when it has one of another kind, or a half of one */
function refuseOthers(
  dir: string,
  hasVocab: boolean,
  hasMerges: boolean,
  { tokenizer_class: kind }: Settings,
): undefined {
  for (const [name, other] of otherKinds)
    if (fs.existsSync(path.join(dir, name))) throw refuse(path.join(dir, name), `its tokenizer is ${other}`);
  if (hasVocab !== hasMerges)
    throw new UserError(
      `${dir} has ${hasVocab ? 'vocab.json and no merges.txt' : 'merges.txt and no vocab.json'}: a tokenizer needs both, or tokenizer.json.`,
    );
  if (kind && !/^GPT2Tokenizer(Fast)?$|^PreTrainedTokenizerFast$|^TokenizersBackend$/.test(kind))
    throw refuse(path.join(dir, 'tokenizer_config.json'), `its tokenizer is a ${kind}, whose files are missing`);
  return undefined;
}

function isSameVocabulary(vocab: unknown, own: Content['vocab']): boolean {
  const other = vocabSchema.safeParse(vocab).data ?? new Map<string, number>();
  return [...own].every(([text, id]) => (other.get(text) ?? id) === id);
}

/** Tokens by id, in letters; an added token's own text where it is one. @throws UserError when they can't be bytes */
function tokensOf({ file, vocab }: Content, added: ReadonlyMap<number, AddedToken>): (string | null)[] {
  const ids = [...vocab.values(), ...added.keys()];
  const size = ids.reduce((n, id) => Math.max(n, id + 1), 0);
  const gaps = size - new Set(ids).size;
  if (size > maxVocabSize || gaps > maxGaps)
    throw new UserError(
      `${file} has a token of id ${size - 1}, ${size > maxVocabSize ? `and ids go to ${maxVocabSize - 1}` : `and ${gaps} ids below it have none`}: number its tokens from 0 on.`,
    );
  const tokens = new Array<string | null>(size).fill(null);
  for (const [text, id] of vocab) {
    if (tokens[id] !== null)
      throw new UserError(`${file}: token ${id} is both ${JSON.stringify(tokens[id])} and ${JSON.stringify(text)}.`);
    tokens[id] = text;
    if (!added.has(id) && (text === '' || !bytesOfLetters(text)))
      throw refuse(file, `its token ${id}, ${JSON.stringify(text)}, is not written in GPT-2's letters for bytes`);
  }
  return tokens;
}

/** @throws UserError when a byte has no token and none stands for the unknown */
function unknownOf({ file, vocab, unknown }: Content, tokens: readonly (string | null)[]): number | null {
  const missing = letters.flatMap((letter, byte) => (vocab.get(letter) === undefined ? [byte] : []));
  if (missing.length === 0) return null;
  const id = unknown === null ? -1 : tokens.indexOf(unknown);
  if (id >= 0) return id;
  throw refuse(
    file,
    `it has no token for ${missing.length} of the 256 bytes (the first is 0x${missing[0]!.toString(16).padStart(2, '0')})`,
  );
}

/** Merges by ids: two tokens, and the one that they become. @throws UserError when one of them is not there */
function mergesOf({ file, vocab, merges }: Content): [left: number, right: number, made: number][] {
  if (merges.length >= maxMerges)
    throw new UserError(`${file} has ${merges.length} merges, and fewer than ${maxMerges} can be read here.`);
  return merges.map(([left, right], i) => {
    const of = (text: string): number => {
      const id = vocab.get(text);
      if (id !== undefined) return id;
      throw new UserError(
        `${file}: merge ${i + 1} (${left} ${right}) needs the token ${JSON.stringify(text)}, which is not in the vocabulary.`,
      );
    };
    return [of(left), of(right), of(left + right)];
  });
}

/** Tokens that plain text becomes: bytes, and what merges are made of and make. */
const plainTokens = ({ vocab }: Content, merges: readonly (readonly number[])[]): ReadonlySet<number> =>
  new Set([...letters.flatMap((letter) => vocab.get(letter) ?? []), ...merges.flat()]);

interface Says {
  readonly settings: Settings;
  readonly map: Settings;
  readonly config: z.infer<typeof idsSchema>;
  readonly added: ReadonlyMap<number, AddedToken>;
  readonly plain: ReadonlySet<number>;
}

/**
 * The tokens that end and begin a text. What config.json says counts less than the tokenizer's own files, and not where
 * plain text becomes that token: its default, 50256, is left in many a model with another vocabulary.
 * @throws UserError when none of the model's rows ends a text
 */
function endsOf(
  { file, vocab }: Content,
  { settings, map, config, added, plain }: Says,
  { rows, endOfText: asked }: ReadTokenizerOptions,
): { endOfText: number; startOfText: number } {
  const ids = new Map([...added.values()].map((a) => [a.text, a.id]));
  const idOf = (text: string | null | undefined): number | undefined =>
    text ? (ids.get(text) ?? vocab.get(text)) : undefined;
  const known = new Set(vocab.values());
  const special = (value: unknown): number | undefined => {
    const id: unknown = Array.isArray(value) ? value[0] : value;
    return typeof id === 'number' && !plain.has(id) && (added.has(id) || known.has(id)) ? id : undefined;
  };
  const first = (candidates: readonly (number | undefined)[]) => candidates.find((id) => id !== undefined && id < rows);
  const endOfText =
    asked === undefined
      ? first([idOf(settings.eos_token), idOf(map.eos_token), special(config.eos_token_id), ...commonEnds.map(idOf)])
      : first([idOf(asked)]);
  const behind = idOf(settings.eos_token) ?? idOf(map.eos_token) ?? commonEnds.map(idOf).find((id) => id !== undefined);
  if (endOfText === undefined && asked === undefined && behind !== undefined)
    throw new UserError(
      `${file}: the token that ends a text is ${behind}, and the model has ${rows} rows: they don't belong together, unless another one ends it (--end-of-text).`,
    );
  if (endOfText === undefined)
    throw new UserError(
      asked === undefined
        ? `${file} has no token that ends a text (eos_token) among the model's ${rows} rows: name one with --end-of-text.`
        : `${file} has no token ${JSON.stringify(asked)} among the model's ${rows} rows: name another with --end-of-text.`,
    );
  const startOfText = first([idOf(settings.bos_token), idOf(map.bos_token), special(config.bos_token_id)]) ?? endOfText;
  return { endOfText, startOfText };
}
