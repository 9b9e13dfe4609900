import fs from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { createLogUpdate } from 'log-update';
import { parseWhere } from '../data/formats/fields.ts';
import type { PrepareProgress } from '../data/prepare/prepare.ts';
import { isInTheMaking, removeUnfinished, unfinishedDatasets } from '../data/prepare/unfinished.ts';
import { datasetNames, loadDatasetInfo } from '../data/index.ts';
import { decodedDocuments } from '../data/dataset/preview.ts';
import { notesOf } from '../data/prepare/notes.ts';
import { yieldToOthers } from '../data/prepare/priority.ts';
import { openDataset, shardBytes, type SplitName } from '../data/dataset/index.ts';
import { everything, sameSubset, showSubset, type Subset } from '../data/subsets.ts';
import { getTokenizer } from '../data/tokenizers/index.ts';
import { verifyDataset } from '../data/dataset/verify.ts';
import { messageOf, UserError } from '../base/errors.ts';
import { formatBytes, formatCount, formatDuration, formatShort, plural } from '../base/format.ts';
import { datasetsDir, resolveHome } from '../studio/home.ts';
import { datasetUsers } from '../studio/run/data.ts';
import { Studio } from '../studio/studio.ts';
import { asJobIn } from './asJob.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { addTextFlags, prepareStoppable, reportNotes, type TextFlags, textOptions, tokensLine } from './preparing.ts';
import { parseSubset } from './subset.ts';
import { chosenTokenizer } from './tokenizer.ts';
import { table } from './terminal/table.ts';
import { printable } from './terminal/text.ts';

interface Home {
  readonly home?: string;
}

interface AddOptions extends Home, TextFlags {
  readonly tokenizer: string;
  readonly textField: string;
  readonly where?: string[];
  readonly subset?: string;
  readonly valFraction?: string;
  readonly maxBad: string;
  readonly name?: string;
  readonly threads?: string;
}

export function addData(data: Command): void {
  const adding = data
    .command('add')
    .description(
      'make a dataset of files, folders and globs: text, JSON (lines or a list), .csv, .tsv, Parquet and Arrow, also .gz, .zst, .xz and .lz4; resumes where it stopped',
    )
    .argument(
      '<inputs...>',
      'lines of JSON and rows of tables are documents, any other file is one; - is standard input',
    )
    .option('--name <name>', 'name of the dataset (default: from its sources)')
    .option('--tokenizer <name>', 'tokenizer: gpt2, bytes, that of a run, or a folder with tokenizer files', 'gpt2')
    .option(
      '--text-field <name>',
      'field that holds the text: a column, or a path such as a.b, \'"a.b".c\' or list[]',
      'text',
    )
    .option(
      '--where <field=values...>',
      'only documents with one of these values (quoted where they hold commas), such as meta.redpajama_set_name=RedPajamaC4,RedPajamaBook',
    )
    .option('--subset <range>', 'only documents in this hash range, such as 0-50%')
    .option(
      '--val-fraction <x>',
      'share of documents for validation (0.1 of a little, 0.005 of 100 MB of files and more)',
    )
    .option('--max-bad <x>', 'share of documents that may be unreadable', '0.001')
    .option('--threads <n>', 'threads that parse and tokenize (all cores)');
  addTextFlags(adding).action((inputs: string[], _: unknown, self: Command) =>
    add(inputs, self.optsWithGlobals<AddOptions>()),
  );
  data
    .command('list')
    .description('list datasets')
    .option('--json', 'one JSON object per line')
    .action((_: unknown, self: Command) => list(self.optsWithGlobals<Home & { json?: boolean }>()));
  data
    .command('show')
    .description('show a dataset: its sources, and decoded tokens')
    .argument('<name>')
    .addOption(new Option('--split <name>', 'which part').choices(['train', 'val']).default('train'))
    .option('--at <n>', 'offset in tokens', '0')
    .option('--tokens <n>', 'number of tokens', '200')
    .action((name: string, _: unknown, self: Command) =>
      show(name, self.optsWithGlobals<Home & { split: SplitName; at: string; tokens: string }>()),
    );
  data
    .command('verify')
    .description('verify the checksums of a dataset')
    .argument('<name>')
    .action((name: string, _: unknown, self: Command) => verify(name, self.optsWithGlobals<Home>()));
  data
    .command('remove')
    .description('delete a dataset that no run uses')
    .argument('<name>')
    .action((name: string, _: unknown, self: Command) => remove(name, self.optsWithGlobals<Home>()));
}

async function add(inputs: string[], options: AddOptions): Promise<void> {
  const home = resolveHome(options.home);
  const tokenizer = await chosenTokenizer(home, options.tokenizer);
  const subset: Subset | undefined = options.subset === undefined ? undefined : parseSubset('--subset', options.subset);
  const threads = options.threads === undefined ? {} : { threads: parseInteger('--threads', options.threads, 1) };
  const line = progress();
  yieldToOthers();
  try {
    const made = await prepareStoppable({
      home,
      inputs,
      tokenizer,
      textField: options.textField,
      where: (options.where ?? []).map(parseWhere),
      ...(subset ? { subset } : {}),
      ...(options.valFraction === undefined ? {} : { valFraction: parseNumber('--val-fraction', options.valFraction) }),
      maxBad: parseNumber('--max-bad', options.maxBad),
      ...(options.name === undefined ? {} : { name: options.name }),
      ...textOptions(options),
      ...threads,
      onProgress: line.show,
    });
    line.done();
    if (!made) return;
    console.log(tokensLine(made));
    reportNotes(made);
  } finally {
    line.done();
  }
}

/** How far it is: a line that redraws itself on a terminal, elsewhere one every ten seconds. */
function progress(): { show: (p: PrepareProgress) => void; done: () => void } {
  const started = performance.now();
  let first: PrepareProgress | undefined;
  let last = started;
  const log = process.stderr.isTTY ? createLogUpdate(process.stderr) : undefined;
  return {
    show(p) {
      first ??= p;
      const now = performance.now();
      if (now - last < (log ? 200 : 10_000)) return;
      last = now;
      const seconds = (now - started) / 1000;
      const rate = (p.textBytes - first.textBytes) / seconds;
      const done = p.doneBytes - first.doneBytes;
      const left = done > 0 ? `, ${formatDuration(((p.totalBytes - p.doneBytes) / done) * seconds)} left` : '';
      const bad = p.bad > 0 ? `, ${formatCount(p.bad)} bad` : '';
      const text = `${formatBytes(p.doneBytes)} of ${formatBytes(p.totalBytes)}, ${(rate / 1e6).toFixed(1)} MB/s, ${plural(p.tokens, 'token', 'tokens', formatShort)}${bad}${left}`;
      if (log) log(text);
      else console.error(text);
    },
    done: () => log?.clear(),
  };
}

function list({ home: given, json }: Home & { json?: boolean }): void {
  const home = resolveHome(given, 'read');
  const rows = datasetNames(home).map((name) => {
    try {
      return { name, manifest: loadDatasetInfo(home, name) };
    } catch (error) {
      return { name, problem: messageOf(error) };
    }
  });
  const unfinished = unfinishedDatasets(home);
  if (json) {
    for (const row of [...rows.map((r) => r.manifest ?? r), ...unfinished]) console.log(JSON.stringify(row));
    return;
  }
  if (rows.length + unfinished.length === 0) return console.log('no datasets yet: add one with `trainyard data add`');
  const cells = rows.map(({ name, manifest, problem }) =>
    manifest
      ? [
          name,
          manifest.tokenizer,
          formatShort(manifest.trainTokens),
          formatShort(manifest.valTokens),
          formatCount(manifest.documents ?? manifest.sources.length),
          formatBytes(shardBytes(manifest)),
        ]
      : [name, problem ?? '', '', '', '', ''],
  );
  if (rows.length > 0)
    console.log(table(['dataset', 'tokenizer', 'training', 'validation', 'documents', 'size'], cells));
  for (const { name, doneBytes, totalBytes, pid } of unfinished) {
    const part = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
    const how =
      pid === null
        ? `incomplete, progress saved: run the same \`data add\` to resume, or \`data remove ${name}\` to delete it`
        : `tokenizing in process ${pid}`;
    console.log(`${name}: ${how} (${part})`);
  }
}

function show(name: string, options: Home & { split: SplitName; at: string; tokens: string }): void {
  const home = resolveHome(options.home, 'read');
  const m = loadDatasetInfo(home, name);
  const { valFraction, splitOn, subset, where, textField } = m.settings;
  console.log(`${tokensLine(m)}, ${m.tokenizer}`);
  console.log(
    `made ${m.createdAt} of ${plural(m.documents ?? m.sources.length, 'document')}; ${valFraction} for validation`,
  );
  if (splitOn !== undefined) console.log(`text split on ${printable(splitOn)}`);
  if (subset && !sameSubset(subset, everything)) console.log(`documents ${showSubset(subset)}`);
  if (textField !== undefined && textField !== 'text') console.log(`text in ${textField}`);
  for (const { path: at, values } of where ?? []) console.log(`where ${at} is ${values.join(' or ')}`);
  for (const note of notesOf(m)) console.log(printable(note));
  const sources = m.sources.slice(0, 20).map((s) => [s.path, formatBytes(s.bytes), s.sha256.slice(0, 12)]);
  console.log(`\n${table(['source', 'size', 'sha256'], sources)}`);
  if (m.sources.length > 20) console.log(`and ${formatCount(m.sources.length - 20)} more`);
  const dataset = openDataset(path.join(datasetsDir(home), name));
  try {
    const source = dataset.split(options.split);
    const tokens = Math.min(parseInteger('--tokens', options.tokens, 1), source.tokens);
    const at = Math.min(parseInteger('--at', options.at), source.tokens - tokens);
    const documents = decodedDocuments(getTokenizer(m.tokenizer), source.window(at, tokens));
    const text = documents.map(printable).join(`\n${endOfDocument(process.stdout.isTTY)}\n`);
    // Not by the console, which lets no color through: what is shown of the text is printable already.
    process.stdout.write(`\n${options.split}, tokens ${formatCount(at)} … ${formatCount(at + tokens - 1)}:\n${text}\n`);
  } finally {
    dataset.close();
  }
}

/** The token that ends a document, told apart from text that says the same. */
const endOfDocument = (colored: boolean): string => {
  const text = '⟨end of text⟩';
  return colored ? `\u001b[7m${text}\u001b[27m` : text;
};

async function verify(name: string, options: Home): Promise<void> {
  const home = resolveHome(options.home, 'read');
  loadDatasetInfo(home, name);
  const dir = path.join(datasetsDir(home), name);
  const { files, problems } = await asJobIn(home, { kind: 'verify', input: { name } }, ({ signal, progress }) =>
    verifyDataset(dir, { signal, onProgress: (done, total) => progress({ done, total, unit: 'bytes' }) }),
  );
  if (problems.length > 0)
    throw new UserError(`The dataset ${name} is damaged: ${problems.slice(0, 5).join('; ')}: tokenize it again.`);
  console.log(`${name}: ${plural(files, 'file')} checksums OK`);
}

function remove(name: string, options: Home): void {
  const home = resolveHome(options.home);
  if (isInTheMaking(home, name)) {
    removeUnfinished(home, name);
    return console.log(`deleted incomplete dataset ${name}`);
  }
  loadDatasetInfo(home, name);
  const studio = Studio.open(home);
  try {
    const users = datasetUsers(studio.store, name);
    if (users.length > 0)
      throw new UserError(`The dataset ${name} is used by ${users.slice(0, 3).join(', ')}: delete those runs first.`);
    fs.rmSync(path.join(datasetsDir(home), name), { recursive: true, force: true });
    console.log(`deleted ${name}`);
  } finally {
    studio.close();
  }
}
