import { plural } from '../../base/format.ts';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { UsageError, UserError } from '../../base/errors.ts';
import { maxVocabSize } from '../../base/tokens.ts';
import { openTokenFile, type TokenFile, type TokenType } from '../../exchange/tokens/file.ts';
import { implausible, unwrittenEnd } from '../../exchange/tokens/plausible.ts';
import { makeDataset, writeManifest } from './make.ts';
import { type Manifest, ShardWriter, widthOf } from './index.ts';
import { getTokenizer, type TokenizerName } from '../tokenizers/index.ts';

export interface ImportTokensOptions {
  readonly home: string;
  /** Files of tokens, in order. */
  readonly train: readonly string[];
  /** Files for validation; none: the end of the training files is. */
  readonly val: readonly string[];
  readonly tokenizer: TokenizerName;
  readonly valFraction?: number;
  readonly shardTokens?: number;
  /** How tokens are stored in files without a header. Default: what they look like. */
  readonly type?: TokenType;
  /** Takes tokens that no text has, and files beside which it says that they are of another vocabulary. */
  readonly force?: boolean;
  /** Told what people should know of how files were read. */
  readonly onNotice?: (notice: string) => void;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly doneTokens: number; readonly totalTokens: number }) => void;
}

/** Tokens at the end of a file that are looked at. */
const endTokens = 1 << 16;

async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of fs.createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** @throws UserError as `openTokenFile` does, and when its tokens are not those of text in this vocabulary */
function openedFile(file: string, { tokenizer, type, force = false, onNotice }: ImportTokensOptions): TokenFile {
  const opened = openTokenFile(file, type);
  if (opened.notice !== undefined) onNotice?.(`${file}: ${opened.notice}`);
  const wrong = strangeTokens(file, opened, getTokenizer(tokenizer).vocabSize);
  if (wrong !== undefined && !force)
    throw new UserError(`${file} is not imported: ${wrong}; --force takes it all the same.`);
  if (wrong !== undefined) onNotice?.(`${file}: ${wrong}`);
  return opened;
}

function strangeTokens(file: string, opened: TokenFile, vocabSize: number): string | undefined {
  if (opened.format === 'nanogpt' && fs.existsSync(path.join(path.dirname(file), 'meta.pkl')))
    return "meta.pkl beside it says that its tokens are of a vocabulary of its own, as nanoGPT's characters are: add the text itself (`data add input.txt --tokenizer bytes`)";
  // Whether the vocabulary has them all is seen as they are read.
  const [first] = opened.read(maxVocabSize);
  const [last] = opened.read(maxVocabSize, Math.max(0, opened.tokens - endTokens));
  return implausible(first!, vocabSize) ?? unwrittenEnd(last!);
}

/**
 * Makes a dataset of files that hold tokens already: nanoGPT's or llm.c's. Where a document ends only its end of text says,
 * so there are no subsets but the whole.
 * @throws UserError for files that are cut off, lie about their length, or hold tokens that the vocabulary does not have
 */
export async function importTokens(options: ImportTokensOptions): Promise<Manifest> {
  const { home, tokenizer, valFraction = 0.1, shardTokens = 100_000_000 } = options;
  if (!(valFraction > 0 && valFraction < 1))
    throw new UsageError(`The part kept for validation must lie between 0 and 1, and ${valFraction} does not.`);
  if (options.train.length === 0) throw new UsageError('There are no files of tokens: name some.');
  const open = (file: string) => ({ file, opened: openedFile(file, options) });
  const [train, val] = [options.train.map(open), options.val.map(open)];
  const sources: Manifest['sources'] = [];
  for (const { file } of [...train, ...val])
    sources.push({ path: path.resolve(file), bytes: fs.statSync(file).size, sha256: await sha256Of(file) });
  // The same bytes are other tokens in another layout.
  const layouts = [...train, ...val].map(({ opened }) => `${opened.format} ${opened.type}`);
  const isOld = layouts.every((layout) => layout === 'nanogpt uint16' || layout === 'llmc uint16');
  const made = JSON.stringify([
    ...[sources.map((s) => s.sha256), val.length, tokenizer, val.length > 0 ? 0 : valFraction],
    ...(isOld ? [] : [layouts]),
  ]);
  const stem =
    path
      .parse(train[0]!.file)
      .name.replace(/[^\w-]+/g, '-')
      .slice(0, 40) || 'tokens';
  const name = `${stem}-${tokenizer}-${createHash('sha256').update(made).digest('hex').slice(0, 8)}`;
  const { vocabSize } = getTokenizer(tokenizer);
  const write = async (dir: string, signal: AbortSignal): Promise<Manifest> => {
    const [trainWriter, valWriter] = [
      new ShardWriter(dir, 'train', shardTokens),
      new ShardWriter(dir, 'val', shardTokens),
    ];
    const total = (files: readonly { opened: TokenFile }[]) => files.reduce((n, f) => n + f.opened.tokens, 0);
    const [trainTotal, valTotal] = [total(train), total(val)];
    const cut = val.length > 0 ? trainTotal : trainTotal - Math.round(trainTotal * valFraction);
    let done = 0;
    try {
      for (const { opened } of [...train, ...val]) {
        for (const block of opened.read(vocabSize)) {
          // Reading does not wait: without a pause no signal would be noticed, and no heartbeat sent.
          await setImmediate();
          signal.throwIfAborted();
          // What lies behind the cut is for validation.
          const own = Math.max(0, Math.min(block.length, cut - done));
          trainWriter.write(block.subarray(0, own));
          valWriter.write(block.subarray(own));
          done += block.length;
          options.onProgress?.({ doneTokens: done, totalTokens: trainTotal + valTotal });
        }
      }
    } finally {
      trainWriter.close();
      valWriter.close();
    }
    if (trainWriter.tokens === 0 || valWriter.tokens === 0)
      throw new UserError(
        `${plural(trainTotal + valTotal, 'token')}: too few for a part to train on and one to validate.`,
      );
    const manifest: Manifest = {
      version: 1,
      name,
      tokenizer,
      vocabSize,
      ...widthOf(vocabSize),
      trainTokens: trainWriter.tokens,
      valTokens: valWriter.tokens,
      shards: { train: trainWriter.shards, val: valWriter.shards },
      sources,
      settings: { valFraction },
      createdAt: new Date().toISOString(),
    };
    writeManifest(dir, manifest);
    return manifest;
  };
  return makeDataset(home, name, write, options.signal);
}
