import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { writeFiles } from '../exchange/huggingFace/own.ts';
import { encodedPlainly, wideSize, wideText, wideWhole } from '../data/tokenizers/wide.ts';
import { readSafetensors } from '../engine/models/golden.ts';
import { tempDir } from '../temp.ts';
import { jsonLines, runHere } from './run.ts';

it('a model of 70,000 tokens is trained on two datasets, writes text, goes out and comes back', async () => {
  const dir = tempDir();
  const done = async (...args: string[]) => {
    const result = await runHere(['--home', path.join(dir, 'home'), ...args]);
    expect(result.code, result.stderr).toBe(0);
    return result.stdout;
  };
  const [file, tokens] = [path.join(dir, 'text.txt'), path.join(dir, 'more.bin')];
  fs.writeFileSync(file, wideText(4000));
  fs.writeFileSync(tokens, Uint32Array.from(encodedPlainly(wideText(2000))));
  const folder = writeFiles(wideWhole);
  await done('data', 'add', file, '--tokenizer', folder, '--name', 'text');
  const imported = await done('tokens', 'import', tokens, '--tokenizer', folder);
  const [more, name] = /^more-(bpe-\w{8})-\w+/.exec(imported)! as unknown as [string, string];
  expect(await done('data', 'show', 'text', '--tokens', '20')).toMatch(/dryx|dsum/);

  const shape = ['--layers', '1', '--heads', '1', '--width', '8', '--context', '16', '--batch', '4', '--steps', '6'];
  const run = ['--lr', '1e-2', '--eval-every', '3', '--eval-sequences', '4', '--sample-tokens', '0', '--device', 'cpu'];
  const lines = jsonLines(await done('train', '--mix', `text+${more}`, '--name', 'wide', ...shape, ...run, '--json'));
  const losses = lines.flatMap((line) => (typeof line.loss === 'number' ? [line.loss] : []));
  // At first as good as a guess among all of them.
  expect(losses[0]).toBeCloseTo(Math.log(wideSize), 1);
  expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.1);
  expect(await done('generate', 'wide', '--prompt', 'dryx', '--tokens', '4', '--device', 'cpu')).toMatch(/^dryx/);

  const [out, again] = [path.join(dir, 'out'), path.join(dir, 'again')];
  await done('export', 'wide', out);
  const config = JSON.parse(fs.readFileSync(path.join(out, 'config.json'), 'utf8')) as Record<string, unknown>;
  expect([config.vocab_size, config.eos_token_id]).toEqual([wideSize, wideSize - 1]);
  expect(await done('import', out, '--name', 'back')).toContain(name);
  await done('export', 'back', again);
  const weights = (of: string) => readSafetensors(path.join(of, 'model.safetensors'));
  expect(weights(out).get('transformer.wte.weight')!.length).toBe(wideSize * 8);
  expect(weights(again)).toEqual(weights(out));
});
