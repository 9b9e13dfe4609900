import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Studio } from '../../electron/studio/studio.ts';
import { promiseKind } from '../../electron/studio/time/promise.ts';
import { tempDir } from '../temp.ts';
import { runCli, runHere } from './run.ts';

const small = ['--layers', '1', '--heads', '1', '--width', '16', '--context', '32', '--batch', '2'];

function workplace() {
  const home = tempDir();
  const text = path.join(home, 'text.txt');
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(100));
  return { home, train: ['--home', home, 'train', '--text', text, '--tokenizer', 'bytes', ...small, '--steps', '20'] };
}

describe('fit', () => {
  it('says how long the tokens of a recipe take, else 20 a parameter', async () => {
    const home = path.join(tempDir(), 'none');
    const time = async (...flags: string[]) => {
      const { code, stdout } = await runHere(['--home', home, 'fit', ...flags, '--gpu', 'a100-80gb', '--json']);
      expect(code).toBe(0);
      return JSON.parse(stdout).time;
    };
    const recipe = await time('--preset', 'gpt2-medium-4096');
    // 3000 steps of warm-up, 11.7 and 1 billion tokens in whole steps of 262,144.
    const steps = 3000 + Math.ceil(11.7e9 / 262_144) + Math.ceil(1e9 / 262_144);
    expect(recipe).toMatchObject({ tokens: steps * 262_144, isRecipe: true });
    expect(recipe.there.seconds).toBeCloseTo(recipe.tokens / recipe.there.tokensPerSecond, 0);
    const other = await time('--preset', 'gpt2-medium-4096', '--layers', '1', '--tokenizer', 'bytes');
    // 257 · 1024 + 4096 · 1024 + 12 · 1024² + 13 · 1024 + 2 · 1024 parameters.
    const parameters = 257 * 1024 + 4096 * 1024 + 12 * 1024 ** 2 + 15 * 1024;
    expect(other.isRecipe).toBe(false);
    expect(other.tokens).toBeGreaterThanOrEqual(20 * parameters);
    expect(other.tokens).toBeLessThan(20 * parameters + 262_144);
    // Looking makes no home.
    expect(fs.existsSync(home)).toBe(false);
  });

  it('suggests what a GPU, or this machine, can train in a time', async () => {
    const home = tempDir();
    const suggest = (...flags: string[]) => runHere(['--home', home, 'fit', '--suggest', ...flags]);
    const night = await suggest('--gpu', 'rtx-3060-12gb', '--json');
    const found = JSON.parse(night.stdout);
    expect(found).toMatchObject({ how: 'computed', contextLength: 1024, hours: 10 });
    expect(found.suggestions[0]).toMatchObject({ precision: 'bf16', optimizer: 'adamw' });
    const shown = await suggest('--gpu', 'rtx-3060-12gb', '--for', '4');
    expect(shown.stdout).toMatch(/^NVIDIA GeForce RTX 3060 12 GB, context length 1,024, 4h 00m: the best first$/m);
    const here = await suggest('--tokenizer', 'bytes', '--context', '64', '--for', 'evening', '--json');
    expect(JSON.parse(here.stdout).suggestions[0]).toMatchObject({ precision: 'f32' });
    const refused = async (...flags: string[]) => {
      const { code, stderr } = await suggest(...flags);
      return [code, stderr];
    };
    expect(await refused('--for', 'aeon')).toEqual([2, expect.stringContaining('--for takes evening (4 h)')]);
    expect(await refused('--for', '-1')).toEqual([2, expect.stringContaining('--for takes')]);
    expect(await refused('--solve', 'batch')).toEqual([2, expect.stringContaining('does not go with --solve')]);
    expect(await refused('--gpu', 'rtx-3060-12gb', '--reserve', '12200')).toEqual([
      1,
      expect.stringContaining('Nothing that is known fits'),
    ]);
    const alone = await runHere(['--home', home, 'fit', '--for', 'week']);
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining('--for belongs to --suggest')]);
  });

  it('measures on request', async () => {
    const { stdout, code } = await runCli(['--home', tempDir(), 'fit', '--preset', 'nano', '--measure']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^time for [\d.]+M tokens .*\n {2}≈ .* \(measured\)/m);
  });
});

describe('train --dry-run', () => {
  it('measures the steps, says how long they take, and makes nothing', async () => {
    const { home, train } = workplace();
    const { code, stdout, stderr } = await runCli([...train, '--dry-run', '--gpu', 'rtx-3060-12gb']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/20 steps, 1\.28K tokens/);
    expect(stdout).toMatch(/^time {5}≈ \d.* \(measured\), [\d.]+[KM]? tokens\/s$/m);
    expect(stdout).toMatch(/^time {5}≈ .* on NVIDIA GeForce RTX 3060 12 GB \(computed: .* to .*\)/m);
    const studio = Studio.look(home);
    expect(studio.store.runs.list()).toEqual([]);
    studio.close();
    expect(fs.existsSync(path.join(home, 'datasets'))).toBe(false);

    // The run is promised what was measured.
    const run = await runCli([...train, '--sample-tokens', '0']);
    expect(run.code).toBe(0);
    expect(run.stderr).toMatch(/^time ≈ .* \(measured\)/m);
    const after = Studio.look(home);
    const { id } = after.store.runs.list()[0]!;
    const promise = after.store.events.list(id).find((e) => e.kind === promiseKind)!;
    after.close();
    expect(promise.message).toMatch(/^expected to take .* \(by steps that were measured\)$/);
    expect(promise.data).toMatchObject({ how: 'measured' });
  });

  it('has its numbers as JSON', async () => {
    const { train } = workplace();
    const { code, stdout } = await runCli([...train, '--dry-run', '--json']);
    expect(code).toBe(0);
    const found = JSON.parse(stdout);
    expect(found).toMatchObject({ steps: 20, tokens: 1280, here: { how: 'measured' }, there: null });
    expect(found.here.seconds).toBeGreaterThan(0);
  });

  it('refuses what makes no sense', async () => {
    const { train } = workplace();
    const wrong = async (...flags: string[]) => {
      const { code, stderr } = await runHere([...train, ...flags]);
      return [code, stderr.trim()];
    };
    expect(await wrong('--gpu', 'rtx-3060-12gb')).toEqual([2, expect.stringContaining('--gpu belongs to --dry-run')]);
    expect(await wrong('--dry-run', '--gpu', 'abacus')).toEqual([2, expect.stringContaining('no GPU "abacus"')]);
  });
});
