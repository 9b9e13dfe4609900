import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { Studio } from '../../electron/studio/studio.ts';
import { randomWeights, writeFolder } from '../exchange/huggingFace/model.ts';
import { readSafetensors } from '../engine/models/golden.ts';
import { tempDir } from '../temp.ts';
import { jsonLines, runHere } from './run.ts';

const model = { vocabSize: 257, contextLength: 16, nLayer: 2, nHead: 2, nEmbd: 16, dropout: 0 };
const weights = () => randomWeights(model, 9);

function workplace() {
  const dir = tempDir();
  const text = path.join(dir, 'text.txt');
  fs.writeFileSync(text, 'peter piper picked a peck of pickled peppers. '.repeat(300));
  const home = path.join(dir, 'home');
  const cli = (...args: string[]) => runHere(['--home', home, ...args]);
  const quick = ['--eval-every', '0', '--sample-tokens', '0', '--checkpoint-every', '0'];
  return { dir, text, home, cli, quick };
}

/** HellaSwag items, as many as are wanted. */
function itemsFile(dir: string, count: number): string {
  const lines = Array.from({ length: count }, (_, ind) =>
    JSON.stringify({
      ind,
      activity_label: 'Peppers',
      ctx_a: `Peter picks ${ind}.`,
      ctx_b: 'he',
      endings: ['eats them.', 'sells them to Piper.', 'pickles a peck.', 'goes.'],
      label: String(ind % 4),
    }),
  );
  const file = path.join(dir, `items${count}.jsonl`);
  fs.writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

describe('a model from elsewhere', () => {
  it('is imported, trained for 50 steps, exported and imported again, the same to the bit', async () => {
    const { dir, text, home, cli, quick } = workplace();
    const folder = await writeFolder(model, weights(), { prefix: false, head: 'stored' });
    expect(await cli('import', folder, '--name', 'theirs')).toMatchObject({ code: 0, stderr: '' });
    const first = path.join(dir, 'first');
    expect((await cli('export', 'theirs', first)).code).toBe(0);
    const exported = readSafetensors(path.join(first, 'model.safetensors'));
    for (const [name, values] of weights()) expect([name, exported.get(`transformer.${name}`)]).toEqual([name, values]);

    const trained = await cli(
      'train',
      '--from',
      'theirs',
      '--text',
      text,
      '--batch',
      '2',
      '--steps',
      '50',
      '--name',
      'ours',
      ...quick,
    );
    expect(trained).toMatchObject({ code: 0 });
    const second = path.join(dir, 'second');
    expect((await cli('export', 'ours@50', second, '--license', 'mit', '--notes', 'Trained on *peppers*.')).code).toBe(
      0,
    );
    expect((await cli('import', second, '--name', 'back')).code).toBe(0);
    const third = path.join(dir, 'third');
    expect((await cli('export', 'back', third)).code).toBe(0);
    const bytes = (at: string) => fs.readFileSync(path.join(at, 'model.safetensors'));
    expect(bytes(third).equals(bytes(second))).toBe(true);
    expect(bytes(second).equals(bytes(first))).toBe(false);

    const card = fs.readFileSync(path.join(second, 'README.md'), 'utf8');
    expect(card).toMatch(/^---\nlicense: mit\nlibrary_name: transformers\n/);
    expect(card).toContain('base_model: theirs');
    expect(card).toContain('Trained on *peppers*.');
    expect(card).toMatch(/\| \*\*ours\*\* \| 2 \| 2 \| 16 \| 16 \| 257 \| 10,960 \|/);
    expect(card).toMatch(/- 50 steps of 32 tokens/);
    expect(fs.readFileSync(path.join(third, 'README.md'), 'utf8')).toContain('imported, not trained here');
    // What the three runs are is told.
    expect((await cli('show', 'ours')).stdout).toMatch(/initialized from theirs \(.*\), step 0/);
    expect(fs.existsSync(path.join(home, 'runs'))).toBe(true);
  });

  it('begins where its weights are: the first loss is that of the model, not of drawn weights', async () => {
    const { text, cli, quick } = workplace();
    const folder = await writeFolder(model, weights());
    await cli('import', folder, '--name', 'theirs');
    const settings = ['--text', text, '--batch', '2', '--steps', '2', '--lr', '1e-9', ...quick, '--json'];
    const loss = (stdout: string) => jsonLines(stdout).find((l) => l.type === 'metrics')!.loss as number;
    const own = await cli('train', '--from', 'theirs', '--tokenizer', 'bytes', ...settings);
    const fresh = await cli(
      'train',
      '--tokenizer',
      'bytes',
      '--layers',
      '2',
      '--heads',
      '2',
      '--width',
      '16',
      '--context',
      '16',
      ...settings,
    );
    // Weights of N(0, 0.5²) are far from the uniform guess that drawn ones begin with.
    expect(loss(fresh.stdout)).toBeCloseTo(Math.log(257), 1);
    expect(Math.abs(loss(own.stdout) - Math.log(257))).toBeGreaterThan(0.3);
    // And it is resumed and recovers as any other.
    const longer = await cli(
      'train',
      '--from',
      'theirs',
      '--extend-positions',
      'repeat',
      '--context',
      '32',
      ...settings,
      '--name',
      'longer',
    );
    expect(longer).toMatchObject({ code: 0 });
    expect((await cli('show', 'longer')).stdout).toContain('16 positions became 32 (repeat)');
  });

  it('is refused, in one line, where that makes no sense', async () => {
    const { dir, text, cli, quick } = workplace();
    await cli('import', await writeFolder(model, weights()), '--name', 'theirs');
    const train = (...more: string[]) =>
      cli('train', '--from', 'theirs', '--text', text, '--steps', '2', ...quick, ...more);
    for (const [result, code, message] of [
      [await train('--context', '32'), 2, /longer than that of the model it is initialized from \(16\): say how/],
      [await train('--layers', '3'), 2, /The layers of the new run is 3/],
      [await train('--tokenizer', 'gpt2'), 1, /uses the tokenizer bytes and the run gpt2|vocabulary/],
      [await cli('train', '--from', 'nobody', '--text', text), 1, /There is no run "nobody"/],
      [await cli('train', '--from', 'theirs@9', '--text', text), 1, /no checkpoint of step 9/],
      [await cli('train', '--extend-positions', 'repeat', '--text', text), 2, /belongs to --from/],
      [await cli('import', path.join(dir, 'nothing')), 1, /config\.json can't be read/],
      [await cli('export', 'theirs', text), 1, /is a file/],
      [await cli('resume', 'theirs'), 1, /is already finished/],
      [await cli('eval', 'loss', 'theirs'), 1, /has no data of its own: name a dataset/],
    ] as const) {
      expect([result.stderr.trim().split('\n').length, result.code, result.stderr]).toEqual([
        1,
        code,
        expect.stringMatching(message),
      ]);
    }
    expect((await cli('runs')).stdout.match(/theirs/g)?.length).toBe(1);
  });
});

describe('trainyard eval', () => {
  it('goes on where it was cancelled, and says the same as all at once', async () => {
    const { dir, home, cli } = workplace();
    await cli('import', await writeFolder(model, weights()), '--name', 'theirs');
    const file = itemsFile(dir, 60);
    const studio = Studio.open(home);
    try {
      const run = studio.store.runs.get('theirs');
      // Left in the middle: what is done stays.
      const some = studio.models.hellaswag(run, 0, file, 20);
      for await (const update of some) if (update.kind === 'progress' && update.done > 0) break;
      const [table] = studio.store.evals.list(run.id);
      expect(table?.kind === 'hellaswag' ? table.data : null).toBeNull();
      let taken = Number.NaN;
      const all = studio.models.hellaswag(run, 0, file, 60);
      for await (const update of all) if (update.kind === 'progress' && Number.isNaN(taken)) taken = update.done;
      expect(taken).toBeGreaterThan(0);
    } finally {
      studio.close();
    }
    const again = await cli('eval', 'hellaswag', 'theirs', '--data', file, '--json');
    const result = JSON.parse(again.stdout) as { items: number; acc: number; accNorm: number };
    expect(result.items).toBe(60);

    const other = workplace();
    await other.cli('import', await writeFolder(model, weights()), '--name', 'theirs');
    const whole = await other.cli('eval', 'hellaswag', 'theirs', '--data', itemsFile(other.dir, 60), '--json');
    expect(JSON.parse(whole.stdout)).toMatchObject({ items: 60, acc: result.acc, accNorm: result.accNorm });
    // The same weights by their folders, of which nothing is stored.
    const folders = [await writeFolder(model, weights()), path.join(home, 'runs')];
    const [runId] = fs.readdirSync(folders[1]!);
    for (const dir of [folders[0]!, path.join(folders[1]!, runId!, 'checkpoints', 'step-000000')]) {
      const direct = await cli('eval', 'hellaswag', dir, '--data', file, '--json');
      expect(JSON.parse(direct.stdout)).toMatchObject({ items: 60, acc: result.acc, accNorm: result.accNorm });
    }
    const table = await cli('eval', 'table', '--csv');
    expect(table.stdout).toMatch(
      /^run,step,.*\r\ntheirs,0,0,,,,,\d\.\d{4},0\.\d{4},\d\.\d{4},0\.\d{4},60 items of [0-9a-f]{8},bytes\r\n$/,
    );
  });

  it('takes its turn while a run trains, and changes nothing of what is trained', async () => {
    const { dir, text, cli } = workplace();
    expect(await cli('eval', 'fetch', '--data', itemsFile(dir, 30))).toMatchObject({ code: 0 });
    const settings = [
      '--text',
      text,
      '--tokenizer',
      'bytes',
      '--layers',
      '2',
      '--heads',
      '2',
      '--width',
      '16',
      '--context',
      '64',
      '--batch',
      '2',
      '--steps',
      '12',
      '--sample-tokens',
      '0',
      '--json',
    ];
    const plain = await cli('train', ...settings);
    const evaluated = await cli(
      'train',
      ...settings,
      '--hellaswag-every',
      '5',
      '--hellaswag-items',
      '20',
      '--name',
      'evaluated',
    );
    const losses = (stdout: string) => jsonLines(stdout).flatMap((l) => (l.type === 'metrics' ? [l.loss] : []));
    expect(losses(evaluated.stdout)).toEqual(losses(plain.stdout));
    expect(losses(plain.stdout).length).toBe(12);
    const results = jsonLines(evaluated.stdout).filter((l) => l.type === 'hellaswag' && l.result !== null);
    expect(results.map((r) => r.step)).toEqual([5, 10, 12]);
    // The last one again, from its checkpoint: nothing is left to do, and the answer is the same.
    const again = await cli(
      'eval',
      'hellaswag',
      'evaluated',
      '--items',
      '20',
      '--data',
      path.join(dir, 'items30.jsonl'),
      '--json',
    );
    expect(JSON.parse(again.stdout)).toMatchObject({ ...(results[2]!.result as object), step: 12 });
  });
});
