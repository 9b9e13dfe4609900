import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type Manifest, manifestName, readManifest } from '../../electron/data/dataset/manifest.ts';
import { importModel } from '../../electron/studio/exchange.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { parameterTable } from '../../electron/engine/models/index.ts';
import { tiny, writeFolder } from '../exchange/huggingFace/model.ts';
import { lack, where } from '../frame/needs.ts';
import { tempDir } from '../temp.ts';
import { hasPs } from './processes.ts';
import { runCli, startCli } from './run.ts';
import { workplace } from './workplace.ts';

/** A window's studio on a home: it sees what commands of the terminal do. */
function watching(home: string): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  return studio;
}

/** The job of a kind that is going on. */
const running = async (studio: Studio, kind: string) => {
  const found = () => studio.jobs.list().find((job) => job.kind === kind && job.state === 'running');
  await expect.poll(found, { interval: 10 }).toBeDefined();
  return found()!;
};

const folderOf = (model: typeof tiny) =>
  writeFolder(
    model,
    new Map(
      parameterTable(model).map(({ name, fileShape }) => [
        name,
        new Float32Array(fileShape.reduce((a, b) => a * b, 1)).fill(0.5),
      ]),
    ),
  );

/** Large enough to be ended in the middle. */
const large = { ...tiny, nEmbd: 768, nLayer: 6, nHead: 12 };

const cancelled = 'cancelled in a window or another terminal';

describe('a command that takes longer than a moment', () => {
  it('is a job with what was asked for and what came of it', async () => {
    const { home, text, command } = workplace();
    const cli = async (...args: string[]) => {
      const result = await runCli(command(...args));
      expect(result, args.join(' ')).toMatchObject({ code: 0 });
      return result;
    };
    await cli('data', 'add', text, '--tokenizer', 'bytes', '--name', 'ships');
    await cli('data', 'verify', 'ships');
    const tokens = path.join(tempDir(), 'ships.bin');
    const written = await cli('tokens', 'export', 'ships', tokens);
    const dir = await folderOf(tiny);
    await cli('import', dir, '--name', 'theirs');
    const out = path.join(tempDir(), 'out');
    await cli('export', 'theirs', out, '--dtype', 'bf16');
    const { stdout } = await cli('generate', 'theirs', '--tokens', '3', '--prompt', 'Once');
    await cli('eval', 'loss', 'theirs', '--dataset', 'ships', '--sequences', '2');
    const jobs = watching(home).store.jobs.list();
    expect(jobs.map(({ kind, state, title }) => [kind, state, title]).reverse()).toEqual([
      ['tokenize', 'done', 'Tokenize text.txt as ships'],
      ['verify', 'done', 'Verify ships'],
      ['exportTokens', 'done', 'Export tokens of ships (train) to ships.bin'],
      ['import', 'done', 'Import theirs'],
      ['export', 'done', 'Export theirs, step 0, to out'],
      ['generate', 'done', 'Generate with theirs, step 0'],
      ['validation', 'done', 'Validation loss of theirs, step 0'],
    ]);
    const [loss, generated, exported, imported, split, verified, made] = jobs;
    expect(made).toMatchObject({ input: { paths: [text], tokenizer: 'bytes' }, result: { name: 'ships' } });
    expect(verified).toMatchObject({ result: { files: 2, problems: [] }, progress: { unit: 'bytes' } });
    const { trainTokens } = readManifest(path.join(home, 'datasets', 'ships'));
    expect(split).toMatchObject({ result: { file: tokens }, progress: { done: trainTokens, unit: 'tokens' } });
    expect(written.stdout).toBe(`${trainTokens.toLocaleString('en-US')} tokens in ${tokens}\n`);
    expect(imported).toMatchObject({ input: { dir }, result: { id: expect.any(String) as string } });
    expect(exported).toMatchObject({ input: { dir: out, dtype: 'bf16' }, progress: { unit: 'tensors' } });
    expect(stdout).toBe(`Once${generated!.output}\n`);
    expect(loss).toMatchObject({ result: { valLoss: expect.any(Number) as number } });
    for (const job of jobs) expect(job).toMatchObject({ restarts: false, pid: null, attempts: 1 });
  });

  it('that fails says so there, too', async () => {
    const { home, command } = workplace();
    const { code, stderr } = await runCli(command('data', 'add', path.join(home, 'nope.txt')));
    expect(code).toBe(1);
    const [job] = watching(home).jobs.list();
    expect(job).toMatchObject({ kind: 'tokenize', state: 'failed' });
    expect(stderr).toBe(`trainyard: ${job!.message}\n`);
  });

  where(it, [hasPs, lack.ps])('ends with a line and a code when a window cancels it, and leaves nothing', async () => {
    const home = tempDir();
    const studio = watching(home);
    const importing = startCli(['--home', home, 'import', await folderOf(large)]);
    const job = await running(studio, 'import');
    expect(job).toMatchObject({ pid: importing.child.pid });
    studio.jobs.cancel(job.id);
    expect(await importing.result).toMatchObject({ code: 130, stdout: '', stderr: `trainyard: ${cancelled}\n` });
    expect(studio.jobs.get(job.id)).toMatchObject({ state: 'cancelled', pid: null });
    expect([studio.store.runs.list(), fs.readdirSync(path.join(home, 'runs'))]).toEqual([[], []]);
  });

  it('keeps what it has done when a window cancels it, and resumes', async () => {
    const home = tempDir();
    const text = path.join(home, 'text.txt');
    fs.writeFileSync(text, 'how now brown cow, and what of the ship that sails? '.repeat(600_000));
    const studio = watching(home);
    const add = ['--home', home, 'data', 'add', text, '--tokenizer', 'gpt2', '--name', 'cow', '--threads', '1'];
    const adding = startCli(add);
    const job = await running(studio, 'tokenize');
    studio.jobs.cancel(job.id);
    const { code, stderr } = await adding.result;
    expect([code, stderr]).toEqual([130, `${cancelled}, progress saved: run the same command to resume\n`]);
    expect(studio.jobs.get(job.id)).toMatchObject({ state: 'cancelled' });
    expect(await runCli(add)).toMatchObject({ code: 0 });
    expect(studio.jobs.list()[0]).toMatchObject({ state: 'done', result: { name: 'cow' } });
  });

  it('exports tokens until it is cancelled, in a window or by Ctrl-C, and leaves no part of the file', async () => {
    const { home, text, command } = workplace();
    expect(await runCli(command('data', 'add', text, '--tokenizer', 'bytes', '--name', 'ships'))).toMatchObject({
      code: 0,
    });
    // So many that it takes long: what is not written of a sparse file takes no room.
    const dir = path.join(home, 'datasets', 'ships');
    const manifestFile = path.join(dir, manifestName);
    const manifest = JSON.parse(fs.readFileSync(manifestFile, 'utf8')) as Manifest;
    const tokens = 2_000_000_000;
    const [shard] = manifest.shards.train;
    fs.truncateSync(path.join(dir, shard!.file), 2 * tokens);
    const shards = { ...manifest.shards, train: [{ ...shard, tokens }] };
    fs.writeFileSync(
      manifestFile,
      JSON.stringify({ ...manifest, trainTokens: tokens, trainBuckets: undefined, shards }),
    );
    const studio = watching(home);
    const out = tempDir();
    for (const how of ['window', 'terminal']) {
      const exporting = startCli(command('tokens', 'export', 'ships', path.join(out, 'ships.bin')));
      const { id } = await running(studio, 'exportTokens');
      await expect.poll(() => studio.jobs.get(id).progress?.done).toBeGreaterThan(0);
      if (how === 'window') studio.jobs.cancel(id);
      else exporting.child.kill('SIGINT');
      const { code, stderr } = await exporting.result;
      const said = how === 'window' ? cancelled : 'stopped';
      expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([130, `trainyard: ${said}`]);
      expect(studio.jobs.get(id)).toMatchObject({ state: 'cancelled' });
      expect(fs.readdirSync(out)).toEqual([]);
    }
  });

  it('is cancelled by Ctrl-C', async () => {
    const home = tempDir();
    const studio = watching(home);
    const { run } = await importModel(studio, await folderOf({ ...large, contextLength: 512 }), 'theirs');
    const writing = startCli(['--home', home, 'generate', run.id, '--tokens', '100000']);
    const { id } = await running(studio, 'generate');
    await expect.poll(() => studio.jobs.get(id).output).not.toBeNull();
    writing.child.kill('SIGINT');
    const { code, stderr } = await writing.result;
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([130, 'trainyard: stopped']);
    expect(studio.jobs.get(id)).toMatchObject({ state: 'cancelled', message: 'stopped in its terminal' });
  });
});
