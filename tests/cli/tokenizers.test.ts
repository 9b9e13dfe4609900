import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataset } from '../../electron/data/dataset/index.ts';
import { nameOf } from '../../electron/data/tokenizers/own/definition.ts';
import { ownTokenizer } from '../../electron/data/tokenizers/own/tokenizer.ts';
import { readTokenizer } from '../../electron/exchange/huggingFace/index.ts';
import { randomWeights, writeFolder } from '../exchange/huggingFace/model.ts';
import { own, ownSize, ownWhole, writeFiles } from '../exchange/huggingFace/own.ts';
import { readSafetensors } from '../engine/models/golden.ts';
import { tempDir } from '../temp.ts';
import { runHere } from './run.ts';

const model = { vocabSize: ownSize, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 8, dropout: 0 };

async function workplace(rows = ownSize) {
  const dir = tempDir();
  const home = path.join(dir, 'home');
  const cli = (...args: string[]) => runHere(['--home', home, ...args]);
  const padded = { ...model, vocabSize: rows };
  const folder = writeFiles(ownWhole(), await writeFolder(padded, randomWeights(padded, 4)));
  const done = async (...args: string[]) => {
    const result = await cli(...args);
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  const { definition } = (await readTokenizer(folder, { rows: ownSize }))!;
  const name = nameOf(definition);
  return { dir, home, cli, done, folder, name, tokenizer: ownTokenizer(name, definition) };
}

/** More than a piece, so that threads tokenize it. */
const text = (lines: number) =>
  Array.from(
    { length: lines },
    (_, i) => `kočka ${i} sedí na okně <|user|> a dívá se ven, the cat sat on the mat ${i % 9}.`,
  ).join('\n');

describe('a model with a tokenizer of its own', () => {
  it('keeps it: in data, training, samples, checkpoints and exports', async () => {
    const { dir, home, cli, done, folder, name, tokenizer } = await workplace();
    expect(await done('import', folder, '--name', 'theirs')).toContain(`${name} (of `);
    expect(await done('show', 'theirs')).toContain(name);

    const file = path.join(dir, 'text.txt');
    fs.writeFileSync(file, text(15_000));
    expect(await done('data', 'add', file, '--tokenizer', 'theirs', '--name', 'long')).toContain('long');
    const dataset = openDataset(path.join(home, 'datasets', 'long'));
    const { trainTokens, valTokens, tokenizer: used, vocabSize } = dataset.manifest;
    expect([used, vocabSize]).toEqual([name, ownSize]);
    const stored = [...dataset.split('train').window(0, trainTokens), ...dataset.split('val').window(0, valTokens)];
    dataset.close();
    // As they were made by threads, piece by piece; documents and the cut for validation add ends of text.
    const ends = stored.filter((t) => t !== tokenizer.endOfText);
    expect(Buffer.from(Uint16Array.from(ends).buffer).equals(Buffer.from(tokenizer.encode(text(15_000)).buffer))).toBe(
      true,
    );

    const quick = ['--steps', '2', '--eval-every', '1', '--sample-tokens', '4', '--batch', '2', '--device', 'cpu'];
    await done('train', '--from', 'theirs', '--dataset', 'long', '--name', 'tuned', ...quick);
    expect(await done('eval', 'loss', 'tuned', '--sequences', '4')).toMatch(/nats\/token[^]*bits per byte/);
    expect(await done('generate', 'tuned', '--prompt', 'kočka', '--tokens', '4', '--device', 'cpu')).toMatch(/^kočka/);

    // What is not of these tokens is refused before anything is read.
    const bytes = await cli('train', '--from', 'theirs', '--text', file, '--tokenizer', 'bytes', ...quick);
    expect([bytes.code, bytes.stderr]).toEqual([
      1,
      expect.stringMatching(/uses the tokenizer bpe-\w+ and the run bytes/),
    ]);

    // Checkpoints carry it: the home's own copy may be lost.
    fs.rmSync(path.join(home, 'tokenizers'), { recursive: true });
    const out = path.join(dir, 'out');
    await done('export', 'tuned', out);
    const files = ownWhole();
    for (const [file, content] of Object.entries(files))
      expect(JSON.parse(fs.readFileSync(path.join(out, file), 'utf8'))).toEqual(content);
    const config = JSON.parse(fs.readFileSync(path.join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
    expect([config.vocab_size, config.bos_token_id, config.eos_token_id]).toEqual([ownSize, 0, 2]);
    expect(await done('import', out, '--name', 'back')).toContain(name);
  });

  it('is read with its padding, or without, as its user likes', async () => {
    const { dir, done, folder } = await workplace(ownSize + 8);
    expect(await done('import', folder, '--name', 'kept')).toMatch(/note: 8 rows of its 344 stand for no token .*kept/);
    expect(await done('import', folder, '--name', 'dropped', '--extra-rows', 'drop')).toContain('note: 8 rows dropped');
    const embedding = async (run: string) => {
      const out = path.join(dir, run);
      await done('export', run, out);
      return readSafetensors(path.join(out, 'model.safetensors')).get('transformer.wte.weight')!;
    };
    const [kept, dropped] = [await embedding('kept'), await embedding('dropped')];
    expect([kept.length, dropped.length]).toEqual([(ownSize + 8) * 8, ownSize * 8]);
    expect(dropped).toEqual(kept.slice(0, ownSize * 8));
  });

  it('is refused by name where it is of another kind, and nothing is left of it', async () => {
    const { cli, folder } = await workplace();
    writeFiles({ 'tokenizer.json': { ...own.whole, pre_tokenizer: { type: 'Metaspace' } } }, folder);
    const refused = await cli('import', folder);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^trainyard: .*cuts text by Metaspace.*\n$/) as string,
    });
    expect((await cli('runs')).stdout).toContain('There are no runs yet');
    expect((await cli('data', 'add', 'x.txt', '--tokenizer', 'nobody')).stderr).toMatch(
      /^trainyard: There is no tokenizer "nobody": give gpt2, bytes, a run, or a folder/,
    );
  });
});
