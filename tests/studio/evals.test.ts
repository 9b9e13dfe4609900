import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { runView } from '../../electron/api/handlers/views.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import {
  allEvalRows,
  allValidationBytesPerToken,
  bitsPerByteOf,
  evalRows,
  evalsCsv,
  validationBytesPerToken,
} from '../../electron/studio/evals.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

function opened() {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.close());
  const runOf = (tokenizer: 'gpt2' | 'bytes', vocabSize: number) => {
    const config = parseRunConfig({
      model: { vocabSize, contextLength: 8, nLayer: 1, nHead: 1, nEmbd: 8 },
      dataset: 'any',
      tokenizer,
      batch: 1,
      tokensPerStep: 8,
      phases: [{ kind: 'constant', steps: 10, from: 1e-3, to: 1e-3 }],
    });
    return studio.store.runs.create({ name: tokenizer, config, device: 'cpu', stepsTotal: 10, tokensTotal: 80 });
  };
  return { studio, runOf };
}

it('says whose tokens a loss counts by, and what it is in bits per byte', () => {
  const { studio, runOf } = opened();
  const { store } = studio;
  // The same text, 4,000 bytes: half a nat a byte each.
  const [words, letters] = [runOf('gpt2', 50257), runOf('bytes', 257)];
  store.evals.add(words.id, 5, 'validation', 2, { tokens: 1000, bytes: 4000 });
  store.evals.add(letters.id, 5, 'validation', 0.5, { tokens: 4000, bytes: 4000 });
  const [a, b] = [words, letters].map((run) => runView(studio, store.runs.get(run.id)));
  expect([a!.tokenizer, a!.bestValLoss, a!.bytesPerToken]).toEqual(['gpt2', 2, 4]);
  expect([b!.tokenizer, b!.bestValLoss, b!.bytesPerToken]).toEqual(['bytes', 0.5, 1]);
  expect(a!.bestBitsPerByte).toBeCloseTo(0.5 / Math.LN2, 12);
  expect(b!.bestBitsPerByte).toBeCloseTo(0.5 / Math.LN2, 12);

  const rows = [words, letters].flatMap((run) => evalRows(store, store.runs.get(run.id)));
  expect(rows.map((r) => [r.tokenizer, r.validation!.loss, r.validation!.bytesPerToken])).toEqual([
    ['gpt2', 2, 4],
    ['bytes', 0.5, 1],
  ]);
  expect(rows[0]!.validation!.bitsPerByte).toBeCloseTo(rows[1]!.validation!.bitsPerByte!, 12);
  const [head, first] = evalsCsv(rows).split('\r\n');
  expect(head).toMatch(/,validation loss \(nats\/token\),perplexity \(per token\),bits per byte,.*,tokenizer$/);
  expect(first).toMatch(/^gpt2,5,40,2,.*,gpt2$/);
});

it('tells of all runs at once what it tells of each', () => {
  const { studio, runOf } = opened();
  const { store } = studio;
  const runs = [runOf('gpt2', 50257), runOf('bytes', 257), runOf('bytes', 257)];
  const [first, second] = runs.map((run) => run.id) as [string, string];
  for (const step of [10, 2]) store.evals.add(first, step, 'validation', step, { tokens: 10, bytes: 4 * step });
  store.evals.add(first, 20, 'validation', 1, { tokens: 10, bytes: 70 }, 'another');
  store.evals.add(second, 3, 'hellaswag', 0.25, { items: 4 }, 'hellaswag');
  store.evals.add(second, 3, 'validation', 3, {});
  store.checkpoints.add(first, {
    step: 2,
    path: path.join(studio.home, 'runs', first, 'checkpoints', 'step-2'),
    bytes: 1,
  });
  const known = allValidationBytesPerToken(store);
  expect(runs.map(({ id }) => known.get(id) ?? null)).toEqual([4, null, null]);
  expect(runs.map((run) => validationBytesPerToken(store, run))).toEqual([4, null, null]);
  const each = runs.flatMap((run) => evalRows(store, run));
  expect(each.map((r) => [r.run, r.step, r.kept])).toEqual([
    [first, 20, false],
    [first, 10, false],
    [first, 2, true],
    [second, 3, false],
  ]);
  // One question a table, not some for each run: a list of thousands holds nobody up.
  const asked = [
    vi.spyOn(store.evals, 'list'),
    vi.spyOn(store.checkpoints, 'list'),
    vi.spyOn(store.evals, 'latestValidation'),
  ];
  expect(allEvalRows(store, runs)).toEqual(each);
  expect(allValidationBytesPerToken(store)).toEqual(known);
  for (const spy of asked) expect(spy).not.toHaveBeenCalled();
});

it('claims no bits per byte where the length of the text is not known', () => {
  const { studio, runOf } = opened();
  const { store } = studio;
  const run = runOf('gpt2', 50257);
  expect(runView(studio, store.runs.get(run.id))).toMatchObject({ bytesPerToken: null, bestBitsPerByte: null });
  store.evals.add(run.id, 1, 'validation', 3, {});
  store.evals.add(run.id, 2, 'validation', 2, { tokens: 10, bytes: 40 }, '50 sequences of another');
  store.evals.add(run.id, 3, 'hellaswag', 0.25, { items: 4, tokens: 10, bytes: 40 }, 'hellaswag');
  const view = runView(studio, store.runs.get(run.id));
  expect(view).toMatchObject({ bestValLoss: 3, bytesPerToken: null, bestBitsPerByte: null });
  expect(store.evals.list(run.id).map(bitsPerByteOf)).toEqual([null, (2 * 10) / 40 / Math.LN2, null]);
});
