import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { makeCorpus } from '../data/bench/makeCorpus.ts';
import { plainStreams, streamsOf } from '../data/bench/plainly.ts';
import { openDataset } from '../data/dataset/index.ts';
import { temporaryFolder } from '../base/temporary.ts';
import { UserError } from '../base/errors.ts';
import { formatBytes, plural } from '../base/format.ts';
import { prepareApart } from '../studio/prepare.ts';
import { forkEngine } from '../studio/run/engine.ts';
import { parseInteger } from './numbers.ts';

interface Options {
  readonly text: string[];
  readonly megabytes: string;
  readonly threads?: string;
  readonly json?: boolean;
}

const valFraction = 0.005;

export function addDataBench(bench: Command): void {
  bench
    .command('data')
    .description('make .jsonl.zst files of real text, prepare them, and compare the tokens with those of a plain loop')
    .requiredOption('--text <path...>', 'text files and folders that documents are cut out of')
    .option('--megabytes <n>', 'of text', '500')
    .option('--threads <n>', 'threads that prepare (all cores)')
    .option('--json', 'one line of JSON')
    .action((_: unknown, self: Command) => runDataBench(self.optsWithGlobals<Options>()));
}

async function runDataBench(options: Options): Promise<void> {
  const megabytes = parseInteger('--megabytes', options.megabytes, 1);
  const cores = os.availableParallelism();
  const threads = options.threads === undefined ? cores : parseInteger('--threads', options.threads, 1);
  const folder = temporaryFolder('trainyard-bench-');
  const home = folder.dir;
  try {
    const corpus = path.join(home, 'corpus');
    fs.mkdirSync(corpus);
    const { documents } = await makeCorpus(corpus, options.text, megabytes * 1e6);
    const fileBytes = fs.readdirSync(corpus).reduce((n, f) => n + fs.statSync(path.join(corpus, f)).size, 0);
    const say = options.json ? () => {} : console.log;
    say(`${plural(documents, 'document')}, ${megabytes} MB of text in ${formatBytes(fileBytes)} of .jsonl.zst`);

    const started = performance.now();
    let done: { name: string; cpuSeconds: number; peakBytes: number } | undefined;
    const order = { home, inputs: [corpus], tokenizer: 'gpt2', valFraction, threads } as const;
    for await (const update of prepareApart(order, forkEngine)) if (update.kind === 'done') done = update;
    const seconds = (performance.now() - started) / 1000;
    const { name, cpuSeconds, peakBytes } = done!;
    const dataset = openDataset(path.join(home, 'datasets', name));
    const { trainTokens, valTokens, textBytes = 0 } = dataset.manifest;
    const perCore = textBytes / 1e6 / cpuSeconds;
    say(
      `prepared in ${seconds.toFixed(1)} s by ${plural(threads, 'thread')}: ${(textBytes / 1e6 / seconds).toFixed(1)} MB of text/s, ` +
        `${perCore.toFixed(1)} MB for each second of a core; ${plural(trainTokens + valTokens, 'token')}; ` +
        `at most ${formatBytes(peakBytes)} of memory`,
    );
    const made = streamsOf(dataset);
    dataset.close();

    const plainStarted = performance.now();
    const plain = plainStreams(corpus, valFraction);
    const plainSeconds = (performance.now() - plainStarted) / 1000;
    const equal = made.every((hash, i) => hash === plain[i]);
    say(
      `a plain loop on one thread, by gpt-tokenizer: ${plainSeconds.toFixed(1)} s, ` +
        `${(textBytes / 1e6 / plainSeconds).toFixed(1)} MB of text/s; its tokens are ${equal ? 'the same' : 'others'}`,
    );
    if (options.json)
      console.log(
        JSON.stringify({
          documents,
          fileBytes,
          textBytes,
          threads,
          seconds,
          cpuSeconds,
          peakBytes,
          plainSeconds,
          equal,
        }),
      );
    if (!equal) throw new UserError('The tokens of the prepared dataset are not those of the plain loop.');
  } finally {
    folder.remove();
  }
}
