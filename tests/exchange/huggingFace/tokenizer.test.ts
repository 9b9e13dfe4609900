import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getTokenizer } from '../../../electron/data/tokenizers/index.ts';
import { builtInNames, nameOf } from '../../../electron/data/tokenizers/own/definition.ts';
import { useTokenizer } from '../../../electron/data/tokenizers/own/kept.ts';
import { ownTokenizer } from '../../../electron/data/tokenizers/own/tokenizer.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { fitTokenizer, readTokenizer, tokenizerFiles } from '../../../electron/exchange/huggingFace/index.ts';
import { own, ownParts, ownSize, ownWhole, writeFiles } from './own.ts';

const rows = ownSize;
const read = async (files: Readonly<Record<string, unknown>>, options: { rows?: number; endOfText?: string } = {}) =>
  (await readTokenizer(writeFiles(files), { rows, ...options }))!;

describe("a model's own tokenizer", () => {
  it.each([
    ['tokenizer.json', ownWhole()],
    ['vocab.json and merges.txt', ownParts],
    ['files with byte order marks', withMarks({ ...ownParts, 'config.json': { eos_token_id: 2 } })],
    ['merges as texts', ownWhole({}, { merges: own.whole.model.merges.map((m) => m.join(' ')) })],
    ['line ends of Windows', { ...ownParts, 'merges.txt': ownParts['merges.txt'].replaceAll('\n', '\r\n') }],
  ])('makes the tokens of Hugging Face’s library: %s', async (_, files) => {
    const { definition } = await read(files);
    const tokenizer = ownTokenizer(nameOf(definition), definition);
    for (const { text, ids } of own.cases) expect([...tokenizer.encode(text)], text).toEqual(ids);
    expect([tokenizer.vocabSize, tokenizer.endOfText, tokenizer.startOfText]).toEqual([ownSize, 2, 0]);
    // One tokenizer, whatever files it came in.
    expect(nameOf(definition)).toBe(nameOf((await read(ownWhole())).definition));
  });

  it('gives back any text, whole and token by token, and never makes an end of text of it', async () => {
    const { definition } = await read(ownWhole());
    const tokenizer = ownTokenizer(nameOf(definition), definition);
    const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('<s>a</s>', 'b</s>', '<|user|>ahoj<pad>'));
    fc.assert(
      fc.property(text, (any) => {
        const tokens = tokenizer.encode(any);
        expect(tokenizer.decode(tokens)).toBe(any.toWellFormed());
        expect(tokenizer.byteLength(tokens)).toBe(Buffer.byteLength(any));
        expect(tokens.includes(0) || tokens.includes(2)).toBe(false);
        const decoder = tokenizer.streamDecoder();
        expect(Array.from(tokens, (t) => decoder.push(t)).join('') + decoder.end()).toBe(any.toWellFormed());
      }),
    );
  });

  it('takes the white space beside a token along that says so', async () => {
    const marks = (own.whole.added_tokens as { content: string }[]).map((t) =>
      t.content === '<|user|>' ? { ...t, lstrip: true, rstrip: true } : t,
    );
    const { definition } = await read(ownWhole({ added_tokens: marks }));
    const { encode } = ownTokenizer(nameOf(definition), definition);
    expect([...encode('at \u00a0<|user|>\u3000 on')]).toEqual([...encode('at'), 3, ...encode('on')]);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['SentencePiece', { 'tokenizer.model': 'x' }, /tokenizer\.model: its tokenizer is SentencePiece/],
    ['WordPiece', ownWhole({}, { type: 'WordPiece' }), /its tokenizer is WordPiece/],
    ['Unigram', ownWhole({}, { type: 'Unigram', vocab: [['a', -1]] }), /its tokenizer is Unigram/],
    ['byte_fallback', ownWhole({}, { byte_fallback: true }), /byte_fallback/],
    ['ignore_merges', ownWhole({}, { ignore_merges: true }), /ignore_merges\), as Llama 3 does/],
    ['dropout', ownWhole({}, { dropout: 0.1 }), /merges at random \(dropout 0\.1\)/],
    ['ends of words', ownWhole({}, { end_of_word_suffix: '</w>' }), /end_of_word_suffix "<\/w>"/],
    ['parts of words', ownWhole({}, { continuing_subword_prefix: '##' }), /continuing_subword_prefix "##"/],
    ['a normalizer', ownWhole({ normalizer: { type: 'NFC' } }), /normalizer NFC/],
    ['Metaspace', ownWhole({ pre_tokenizer: { type: 'Metaspace' } }), /cuts text by Metaspace/],
    ['no cuts', ownWhole({ pre_tokenizer: null }), /cuts text by nothing/],
    [
      'a prefix space',
      ownWhole({ pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } }),
      /a space before each text/,
    ],
    ['a prefix space in its settings', ownWhole({}, {}, { add_prefix_space: true }), /a space before each text/],
    [
      "Llama 3's pattern",
      ownWhole({ pre_tokenizer: cutBy("(?i:'s|'t)|\\p{N}{1,3}") }),
      /another pattern than GPT-2's \(pre_tokenizer Split\)/,
    ],
    [
      'digits apart',
      ownWhole({ pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits' }, { type: 'ByteLevel' }] } }),
      /pre_tokenizer Digits/,
    ],
    [
      'tokens around texts',
      ownWhole({ post_processor: { type: 'TemplateProcessing', single: [1, 2, 3] } }),
      /tokens around each text \(post_processor TemplateProcessing\)/,
    ],
    ['a begin before texts', ownWhole({}, {}, { add_bos_token: true }), /tokens around each text \(add_bos_token\)/],
    ['a vocabulary without merges', { 'vocab.json': { a: 0 } }, /vocab\.json and no merges\.txt/],
    ['merges without a vocabulary', { 'merges.txt': 'a b' }, /merges\.txt and no vocab\.json/],
    ['no bytes', { ...ownParts, 'vocab.json': { zz: 0 }, 'merges.txt': '' }, /no token for 256 of the 256 bytes/],
    [
      'a merge of what is not there',
      { ...ownParts, 'merges.txt': 'q q' },
      /merge 1 \(q q\) needs the token "qq", which is not in the vocabulary/,
    ],
    ['a merge of three', { ...ownParts, 'merges.txt': '#version: 0.2\na b c\n' }, /line 2 is not two tokens/],
    [
      'letters of its own',
      ownWhole({}, { vocab: { ...own.whole.model.vocab, '▁the': ownSize } }),
      /token 336, "▁the", is not written in GPT-2's letters/,
    ],
    ['two tokens of one number', ownWhole({}, { vocab: { ...own.whole.model.vocab, zz: 9 } }), /token 9 is both/],
    [
      'a token far behind the others',
      ownWhole({}, { vocab: { ...own.whole.model.vocab, zz: 70_000 } }),
      /token of id 70000, and \d+ ids below it have none/,
    ],
    [
      'no end of text',
      {
        ...ownWhole({ added_tokens: [] }, { vocab: renamed('</s>', '</end>') }, { eos_token: null }),
        'config.json': { eos_token_id: 50256 },
      },
      /--end-of-text/,
    ],
    ['JSON that is none', { 'tokenizer.json': '{' }, /tokenizer\.json is not valid JSON/],
  ])('is refused by name where it is of another kind: %s', async (_, files, message) => {
    const reading = read(files);
    await expect(reading).rejects.toThrow(UserError);
    await expect(reading).rejects.toThrow(message);
    await reading.catch((error: Error) => expect(error.message).not.toContain('\n'));
  });

  it('is taken where its pattern is spelled out, and it is GPT-2’s', async () => {
    const gpt2 = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    const spelled = await read(ownWhole({ pre_tokenizer: cutBy(gpt2) }));
    expect(nameOf(spelled.definition)).toBe(nameOf((await read(ownWhole())).definition));
  });

  it('ends texts with the token that is named, or that is called so', async () => {
    const end = async (files: Record<string, unknown>, options = {}) =>
      (await read(files, options)).definition.endOfText;
    expect(await end(ownWhole({}, {}, { eos_token: '<pad>' }))).toBe(1);
    expect(
      await end({ ...ownWhole({}, {}, { eos_token: null }), 'special_tokens_map.json': { eos_token: '<pad>' } }),
    ).toBe(1);
    expect(await end({ ...ownWhole({}, {}, { eos_token: null }), 'config.json': { eos_token_id: [3, 1] } })).toBe(3);
    // 50256 stays in many a config from GPT-2's defaults, and a letter ends no text.
    const unnamed = ownWhole({}, {}, { eos_token: null, bos_token: null });
    const defaults = { ...own.whole, added_tokens: [{ id: 1, content: '<|endoftext|>', special: true }] };
    expect(await end({ ...unnamed, 'tokenizer.json': defaults, 'config.json': { eos_token_id: 50256 } })).toBe(1);
    expect(await end(unnamed, { endOfText: '<|user|>' })).toBe(3);
    await expect(end(unnamed, { endOfText: '<none>' })).rejects.toThrow(/has no token "<none>"/);
  });

  it('is known for what it is where it is GPT-2’s, or bytes', async () => {
    for (const name of ['gpt2', 'bytes'] as const) {
      const { vocabSize } = getTokenizer(name);
      const { definition } = await read(tokenizerFiles(name, 8), { rows: vocabSize });
      expect(builtInNames[nameOf(definition)]).toBe(name);
    }
  });
});

describe("a tokenizer and a model's rows", () => {
  const fit = async (files: Record<string, unknown>, count: number, extra: 'keep' | 'drop' = 'keep') =>
    fitTokenizer('/models/theirs', await read(files, { rows: count }), count, extra);

  it('belong together as they are', async () => {
    const { tokenizer, rows: kept, notices } = await fit(ownWhole(), ownSize);
    expect([kept, notices]).toEqual([ownSize, []]);
    expect(tokenizer).toMatchObject({
      label: 'theirs',
      files: { 'tokenizer_config.json': expect.any(String) as string },
    });
  });

  it('may be padded: rows are kept, or dropped, and it is said', async () => {
    const kept = await fit(ownWhole(), ownSize + 8);
    expect([kept.rows, kept.notices[0]]).toEqual([
      ownSize + 8,
      expect.stringMatching(/^8 rows of its 344 stand for no token/),
    ]);
    const dropped = await fit(ownWhole(), ownSize + 8, 'drop');
    expect([dropped.rows, dropped.notices[0]]).toEqual([ownSize, '8 rows dropped: 336 stay']);
  });

  it('may have tokens that were added: kept with their rows, or dropped', async () => {
    const gpt2 = tokenizerFiles('gpt2', 8);
    const whole = JSON.parse(gpt2['tokenizer.json']!) as { added_tokens: object[] };
    const pad = { id: 50257, content: '[PAD]', single_word: false, lstrip: false, rstrip: false, special: true };
    const files = { ...gpt2, 'tokenizer.json': { ...whole, added_tokens: [...whole.added_tokens, pad] } };
    const kept = await fit(files, 50258);
    expect([kept.rows, kept.notices[0]]).toEqual([50258, expect.stringMatching(/^1 token added .*"\[PAD\]".*: kept/)]);
    const name = useTokenizer(kept.tokenizer as Exclude<typeof kept.tokenizer, string>);
    expect([...getTokenizer(name).encode('a[PAD] b')]).toEqual([64, 50257, 275]);
    const dropped = await fit(files, 50258, 'drop');
    expect([dropped.tokenizer, dropped.rows]).toEqual(['gpt2', 50257]);
    expect(dropped.notices[0]).toMatch(/^1 row dropped: 50257 stay; text with "\[PAD\]" becomes ordinary tokens$/);
    // Added to the tokenizer, and the model never got a row for it.
    const without = await fit(files, 50257);
    expect([without.tokenizer, without.rows]).toEqual(['gpt2', 50257]);
    expect(without.notices[0]).toMatch(/^the model has no rows for 1 token \("\[PAD\]"\): left out/);
  });

  it('are refused where the model lacks rows for plain tokens', async () => {
    await expect(fit(ownWhole(), ownSize - 1)).rejects.toThrow(/has 336 tokens and the model rows for 335 of them/);
  });

  it('comes back from files that are written anew', async () => {
    const { tokenizer } = await fit(ownWhole(), ownSize);
    const kept = tokenizer as Exclude<typeof tokenizer, string>;
    const name = useTokenizer({ ...kept, files: {} });
    const again = await read({ ...tokenizerFiles(name, 8) });
    expect(nameOf(again.definition)).toBe(name);
  });
});

function renamed(from: string, to: string): Record<string, number> {
  const { [from]: id, ...others } = own.whole.model.vocab;
  return { ...others, [to]: id! };
}

function cutBy(pattern: string): object {
  const split = { type: 'Split', pattern: { Regex: pattern }, behavior: 'Isolated', invert: false };
  return { type: 'Sequence', pretokenizers: [split, { type: 'ByteLevel', add_prefix_space: false, use_regex: false }] };
}

function withMarks(files: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = (content: unknown) => (typeof content === 'string' ? content : JSON.stringify(content));
  return Object.fromEntries(Object.entries(files).map(([name, content]) => [name, `\ufeff${text(content)}`]));
}
