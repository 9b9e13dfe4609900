import path from 'node:path';
import { type Command, Option } from 'commander';
import { datasetsDir, resolveHome } from '../studio/home.ts';
import { importTokens } from '../data/dataset/importTokens.ts';
import { loadDatasetInfo, type Manifest } from '../data/index.ts';
import { openDataset, type SplitName } from '../data/dataset/index.ts';
import {
  blockTokens,
  type TokenFormat,
  tokenFormats,
  type TokenType,
  tokenTypes,
  writeTokenFile,
} from '../exchange/tokens/file.ts';
import { tokenBytesOf, type Tokens, tokensOf } from '../base/tokens.ts';
import { formatCount, plural } from '../base/format.ts';
import { absolute, asJobIn } from './asJob.ts';
import { chosenTokenizer } from './tokenizer.ts';
import { parseNumber } from './numbers.ts';

interface Home {
  readonly home?: string;
}

interface ImportFlags extends Home {
  readonly val?: string[];
  readonly valFraction: string;
  readonly tokenizer: string;
  readonly dtype?: TokenType;
  readonly force?: boolean;
}

export function addTokens(tokens: Command): void {
  tokens
    .command('import')
    .description('import token files as a dataset: .bin of nanoGPT and llm.c, and .npy')
    .argument('<files...>', 'in order')
    .addOption(new Option('--dtype <type>', 'dtype of files without a header (default: guessed)').choices(tokenTypes))
    .option('--force', 'accept tokens that no text in this vocabulary produces')
    .option('--val <files...>', 'validation files (default: the end of the others)')
    .option('--val-fraction <x>', 'validation share, without --val', '0.1')
    .option('--tokenizer <name>', 'tokenizer: gpt2, bytes, that of a run, or a folder with tokenizer files', 'gpt2')
    .action((files: string[], _: unknown, self: Command) => runImport(files, self.optsWithGlobals<ImportFlags>()));
  tokens
    .command('export')
    .description('export a split of a dataset as one .bin file')
    .argument('<dataset>', 'its name')
    .argument('<file>', 'a new one')
    .addOption(new Option('--split <name>', 'which part').choices(['train', 'val']).default('train'))
    .addOption(new Option('--format <name>', 'how').choices(tokenFormats).default('nanogpt'))
    .action((name: string, file: string, _: unknown, self: Command) =>
      runExport(name, file, self.optsWithGlobals<Home & { split: SplitName; format: TokenFormat }>()),
    );
}

async function runImport(train: string[], options: ImportFlags): Promise<void> {
  const valFraction = parseNumber('--val-fraction', options.valFraction);
  const { val = [], dtype, force = false } = options;
  const home = resolveHome(options.home);
  const tokenizer = await chosenTokenizer(home, options.tokenizer);
  const described = { title: `Import tokens of ${path.basename(train[0]!)}`, slot: 'tokenize' };
  const input = { train: train.map(absolute), val: val.map(absolute), tokenizer, valFraction };
  let imported: Manifest | undefined;
  await asJobIn(home, { kind: 'importTokens', input, described }, async ({ signal, log, progress }) => {
    imported = await importTokens({
      ...{ home, train, val, tokenizer, valFraction, force, signal },
      ...(dtype ? { type: dtype } : {}),
      onNotice(notice) {
        log(notice);
        console.error(notice);
      },
      onProgress: ({ doneTokens: done, totalTokens: total }) => progress({ done, total, unit: 'tokens' }),
    });
    return { name: imported.name };
  });
  const made = imported!;
  console.log(
    `${made.name}: ${plural(made.trainTokens, 'token')} to train on, ${formatCount(made.valTokens)} to validate`,
  );
}

async function runExport(
  name: string,
  file: string,
  { home: flag, split, format }: Home & { split: SplitName; format: TokenFormat },
): Promise<void> {
  const home = resolveHome(flag);
  loadDatasetInfo(home, name);
  const described = { title: `Export tokens of ${name} (${split}) to ${path.basename(file)}`, slot: 'files' };
  const input = { name, file: absolute(file), split, format };
  let tokens = 0;
  await asJobIn(home, { kind: 'exportTokens', input, described }, async ({ signal, progress }) => {
    const dataset = openDataset(path.join(datasetsDir(home), name));
    try {
      const source = dataset.split(split);
      const { vocabSize } = dataset.manifest;
      function* content(): Generator<Tokens> {
        for (let at = 0; at < source.tokens; at += blockTokens)
          yield tokensOf(vocabSize, source.window(at, Math.min(blockTokens, source.tokens - at)));
      }
      await writeTokenFile(file, format, source.tokens, content(), {
        tokenBytes: tokenBytesOf(vocabSize),
        signal,
        onProgress: ({ doneTokens: done, totalTokens: total }) => progress({ done, total, unit: 'tokens' }),
      });
      ({ tokens } = source);
      return { file: input.file };
    } finally {
      dataset.close();
    }
  });
  console.log(`${plural(tokens, 'token')} in ${path.resolve(file)}`);
}
