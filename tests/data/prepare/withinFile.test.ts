import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type Manifest,
  prepareDataset,
  type PrepareOptions,
  type PrepareProgress,
} from '../../../electron/data/index.ts';
import { unfinishedDatasets } from '../../../electron/data/prepare/unfinished.ts';
import { tempDir } from '../../temp.ts';

const prepare = (home: string, input: string, more: Partial<PrepareOptions> = {}): Promise<Manifest> =>
  prepareDataset({
    home,
    inputs: [input],
    tokenizer: 'bytes',
    threads: 1,
    journalMs: 0,
    shardTokens: 700_000,
    ...more,
  });

/** Words that don't repeat, in lines. */
function prose(bytes: number, seed: number): string {
  const lines: string[] = [];
  for (let n = 0, i = 0; n < bytes; n += 65, i++) lines.push(createHash('sha256').update(`${seed} ${i}`).digest('hex'));
  return lines.join('\n').slice(0, bytes);
}

const mebibyte = 1 << 20;
/** Documents of all lengths: short ones, and such as come in parts. */
const documents = [3 * mebibyte, 400, 20_000, 2.5 * mebibyte, 7, mebibyte, 4.2 * mebibyte, 90, 30_000].map((n, i) =>
  prose(n, i),
);
const lines = Array.from({ length: 900 }, (_, i) => {
  if (i === 40) return 'no JSON';
  return JSON.stringify(i % 50 === 7 ? { other: 1 } : { text: prose(50 + 17 * i, i) });
}).join('\n');

interface Kind {
  readonly name: string;
  readonly content: () => string | Uint8Array;
  readonly options?: Partial<PrepareOptions>;
}

const kinds: Record<string, Kind> = {
  'one long text': { name: 'long.txt', content: () => prose(6 * mebibyte, 1) },
  'a text in UTF-16': { name: 'wide.txt', content: () => Buffer.from(`\ufeff${prose(4 * mebibyte, 2)}`, 'utf16le') },
  'a text of long and short documents': {
    name: 'split.txt',
    content: () => documents.join('<|x|>'),
    options: { splitOn: '<|x|>', valFraction: 0.3 },
  },
  'a part of its documents': {
    name: 'subset.txt',
    content: () => documents.join('\n \n\n'),
    options: { splitOn: 'blank-lines', subset: { from: 0, to: 60 }, valFraction: 0.3 },
  },
  'a text with a bad document': {
    name: 'bad.txt',
    content: () => Buffer.concat([...documents.flatMap((d) => [Buffer.from(`${d}<|x|>`)]), Buffer.from([0xff, 0xfe])]),
    options: { splitOn: '<|x|>', maxBad: 0.5, valFraction: 0.3 },
  },
  'compressed JSON lines': { name: 'rows.jsonl.gz', content: () => zlib.gzipSync(lines), options: { maxBad: 0.5 } },
};

/** All that a dataset is, but for the moment that it was made. */
function datasetIn(home: string, name: string): Record<string, string> {
  const dir = path.join(home, 'datasets', name);
  return Object.fromEntries(
    fs.readdirSync(dir).map((file) => {
      const content = fs.readFileSync(path.join(dir, file));
      if (!file.endsWith('.json')) return [file, createHash('sha256').update(content).digest('hex')];
      return [file, JSON.stringify({ ...(JSON.parse(content.toString()) as object), createdAt: '' })];
    }),
  );
}

/** What a process that is killed now leaves: files as they are. */
function killed(home: string): string {
  const left = path.join(tempDir(), 'home');
  fs.cpSync(home, left, { recursive: true });
  const datasets = path.join(left, 'datasets');
  for (const entry of fs.readdirSync(datasets))
    if (entry.endsWith('.lock')) fs.rmSync(path.join(datasets, entry), { recursive: true });
  return left;
}

/** What is reported while a dataset is made of what was left. */
async function resumed(home: string, file: string, options: Partial<PrepareOptions> = {}) {
  const reports: PrepareProgress[] = [];
  const anew: string[] = [];
  const made = await prepare(home, file, {
    ...options,
    onProgress: (progress) => reports.push(progress),
    onAnew: (why) => anew.push(why),
  });
  return { made, reports, anew };
}

describe.each(Object.entries(kinds))('%s', (_, { name, content, options }) => {
  it('is gone on with wherever its process was killed, to the same bits', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const file = path.join(dir, name);
    fs.writeFileSync(file, content());
    const places: { left: string; doneBytes: number }[] = [];
    const whole = await prepare(home, file, {
      ...options,
      onProgress() {
        // Not each of hundreds: the tests' time is not for copies.
        if (places.length > 60) return;
        const left = killed(home);
        const [unfinished] = unfinishedDatasets(left);
        places.push({ left, doneBytes: unfinished?.doneBytes ?? 0 });
      },
    });
    const expected = datasetIn(home, whole.name);
    expect(Object.keys(expected).some((f) => f.startsWith('long'))).toBe(false);
    const distinct = places.filter(({ doneBytes }, i) => i === 0 || doneBytes !== places[i - 1]!.doneBytes);
    expect(distinct.length).toBeGreaterThan(2);
    for (const { left, doneBytes } of distinct) {
      const { made, reports, anew } = await resumed(left, file, options);
      expect(datasetIn(left, made.name)).toEqual(expected);
      expect(anew).toEqual([]);
      // What was done is there before anything more is; where documents are left out that may be nothing.
      if (doneBytes > mebibyte && !options?.subset) expect(reports[0]!.tokens).toBeGreaterThan(0);
      expect(fs.readdirSync(path.join(left, 'datasets'))).toEqual([made.name]);
    }
  });
});

describe('a file whose tokenizing stops', () => {
  it('is gone on with after it was canceled again and again', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const file = path.join(dir, 'long.txt');
    fs.writeFileSync(file, prose(7 * mebibyte, 3));
    const whole = await prepare(tempDir(), file);
    const done: number[] = [];
    for (;;) {
      const controller = new AbortController();
      let tokens: number | undefined;
      const making = prepare(home, file, {
        signal: controller.signal,
        onProgress(progress) {
          tokens ??= progress.tokens;
          if (progress.tokens > tokens) controller.abort();
        },
      });
      const isDone = await making.then(
        () => true,
        () => false,
      );
      if (isDone) break;
      done.push(unfinishedDatasets(home)[0]!.doneBytes);
      expect(done.length).toBeLessThan(12);
    }
    expect(done.length).toBeGreaterThan(3);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    const { made } = await resumed(home, file);
    expect({ ...made, createdAt: '' }).toEqual({ ...whole, createdAt: '' });
  });

  /** A dataset that is left where so much of it is done. */
  async function left(home: string, file: string, tokens: number, options: Partial<PrepareOptions> = {}) {
    const controller = new AbortController();
    const making = prepare(home, file, {
      ...options,
      signal: controller.signal,
      onProgress: (progress) => progress.tokens > tokens && controller.abort(),
    });
    await expect(making).rejects.toThrow(/abort/i);
  }

  it('is tokenized from the start, and says so, where another text is in it by now', async () => {
    const dir = tempDir();
    const file = path.join(dir, 'long.txt');
    const other = prose(6 * mebibyte, 5);
    for (const name of [undefined, 'mine']) {
      const home = tempDir();
      const options = name === undefined ? {} : { name };
      fs.writeFileSync(file, prose(6 * mebibyte, 4));
      await left(home, file, 2 * mebibyte, options);
      fs.writeFileSync(file, other);
      const { made, anew } = await resumed(home, file, options);
      expect(anew).toEqual([expect.stringContaining(`The text in ${file} has changed since tokenizing stopped`)]);
      expect(made.notices).toEqual(anew);
      const fresh = tempDir();
      const expected = await prepare(fresh, file, options);
      expect({ ...made, createdAt: '', notices: [] }).toEqual({ ...expected, createdAt: '', notices: [] });
    }
  });

  it('is tokenized from the start where it changed in the middle alone, which its name and ends do not show', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const file = path.join(dir, 'rows.jsonl');
    fs.writeFileSync(file, lines);
    await left(home, file, 3 * mebibyte, { maxBad: 0.5 });
    const edited = Buffer.from(lines);
    edited.write('edited', edited.indexOf('"text":"', mebibyte) + 8);
    fs.writeFileSync(file, edited);
    const { made, anew } = await resumed(home, file, { maxBad: 0.5 });
    expect(anew).toEqual([expect.stringContaining(`The file ${file} has changed since tokenizing stopped`)]);
    const fresh = tempDir();
    const expected = await prepare(fresh, file, { maxBad: 0.5 });
    expect(made.shards).toEqual(expected.shards);
  });

  it('is gone on with where only its time changed', async () => {
    const [home, dir] = [tempDir(), tempDir()];
    const file = path.join(dir, 'long.txt');
    fs.writeFileSync(file, prose(6 * mebibyte, 6));
    await left(home, file, 2 * mebibyte);
    fs.utimesSync(file, 1, 1);
    const { anew, reports } = await resumed(home, file);
    expect(anew).toEqual([]);
    expect(reports[0]!.tokens).toBeGreaterThan(2 * mebibyte);
  });
});
