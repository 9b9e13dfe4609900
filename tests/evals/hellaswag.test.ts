import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { getTokenizer } from '../../electron/data/tokenizers/index.ts';
import { createCpuDevice } from '../../electron/engine/devices/cpu/device.ts';
import { Model } from '../../electron/engine/models/programs.ts';
import { scoreItems } from '../../electron/engine/use/hellaswag.ts';
import { plan } from '../../electron/engine/program/planner.ts';
import { Scorer } from '../../electron/engine/use/scorer.ts';
import { clean, parseItems, promptOf } from '../../electron/evals/hellaswag/items.ts';
import { questionOf } from '../../electron/evals/hellaswag/questions.ts';
import { type ItemScore, predicted, predictedNorm, summarize } from '../../electron/evals/hellaswag/score.ts';
import { UserError } from '../../electron/base/errors.ts';
import { hasCpu } from '../engine/devices.ts';
import { readSafetensors, writeWeights } from '../engine/models/golden.ts';
import { goldenPath, textPath } from '../golden/path.ts';
import { lack, where } from '../frame/needs.ts';

const read = (name: string): never => JSON.parse(fs.readFileSync(goldenPath('hellaswag', name), 'utf8')) as never;

describe('HellaSwag prompts', () => {
  it('are cleaned as the harness does', () => {
    expect(clean(' How to [title] do  it [step] now.  Yes ')).toBe('How to. do it now. Yes');
    expect(clean('a [substeps]  b')).toBe('a  b'); // one pass: three spaces become two
    expect(
      promptOf({
        ind: 1,
        activity_label: 'Cooking',
        ctx_a: 'A man cooks.',
        ctx_b: 'tHe Pan iS hot',
        endings: [' a', 'b [x]', 'c', 'd'],
        label: 0,
      }),
    ).toEqual({ context: 'Cooking: A man cooks. The pan is hot', endings: ['a', 'b ', 'c', 'd'] });
  });

  it('are those of the golden data, token for token', () => {
    const expected = read('tokens.json') as {
      query: string;
      label: number;
      context: number[];
      endings: number[][];
      chars: number[];
    }[];
    const items = parseItems(fs.readFileSync(textPath('hellaswag_val_1000.jsonl'), 'utf8'), 'items');
    expect(items.length).toBe(expected.length);
    const tokenizer = getTokenizer('gpt2');
    for (const [i, item] of items.entries()) {
      const { query, label, context, endings, chars } = expected[i]!;
      expect(promptOf(item).context).toBe(query);
      expect(questionOf(item, tokenizer)).toEqual({ context, choices: endings, characters: chars, label });
    }
  });

  it.each([
    ['', /has no HellaSwag items/],
    ['nothing', /line 1: not valid JSON/],
    ['{"ind":1}', /line 1: not a HellaSwag item \(activity_label/],
    ['\n\n[1]', /line 3: not a HellaSwag item/],
    [
      JSON.stringify({ ind: 1, activity_label: '', ctx_a: '', ctx_b: '', endings: ['', '', ''], label: 0 }),
      /line 1: not a HellaSwag item \(endings/,
    ],
    [
      JSON.stringify({ ind: 1, activity_label: '', ctx_a: '', ctx_b: '', endings: ['', '', '', ''], label: 4 }),
      /line 1: not a HellaSwag item \(label/,
    ],
  ])('refuse %j', (content, message) => {
    expect(() => parseItems(content, 'bad.jsonl')).toThrow(UserError);
    expect(() => parseItems(content, 'bad.jsonl')).toThrow(message);
  });
});

describe('HellaSwag results', () => {
  const score = (label: number, logprobs: number[], characters = [1, 1, 1, 1]): ItemScore => ({
    index: 0,
    label,
    logprobs,
    characters,
  });

  it('are counted as the harness counts: the first wins a tie, lengths are in characters', () => {
    expect(predicted(score(0, [-2, -1, -1, -3]))).toBe(1);
    expect(predictedNorm(score(0, [-8, -6, -6, -9], [8, 3, 6, 9]))).toBe(0);
    const result = summarize([
      score(1, [-2, -1, -1, -3]),
      score(0, [-2, -1, -1, -3]),
      score(2, [0, 0, 0, 0], [1, 2, 3, 4]),
    ]);
    expect(result).toMatchObject({ items: 3, acc: 1 / 3, accNorm: 1 / 3 });
    expect(result.accStderr).toBeCloseTo(Math.sqrt(((1 / 3) * (2 / 3)) / 2), 12);
  });

  it('have accuracies between 0 and 1 whatever the scores', () => {
    const logprobs = fc.array(fc.double({ min: -500, max: 0, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), logprobs), { minLength: 2 }), (rows) => {
        const { acc, accNorm } = summarize(rows.map(([label, l]) => score(label, l)));
        expect(acc).toBe(accNorm); // all endings have one character
        expect(acc >= 0 && acc <= 1).toBe(true);
      }),
    );
  });
});

where(describe, [hasCpu, lack.cpu])('HellaSwag scores', () => {
  interface Row {
    readonly label: number;
    readonly logprob: readonly number[];
    readonly pred: number;
    readonly pred_norm: number;
  }

  it('are the golden ones of 1000 real items: each ending within 1e-3 nats', async () => {
    const tokens = read('tokens.json') as { label: number; context: number[]; endings: number[][]; chars: number[] }[];
    const expected = read('expected.json') as { acc: number; acc_norm: number; rows: Row[] };
    const c = read('config.json') as Record<string, number>;
    const model = new Model({
      vocabSize: c.vocab_size!,
      contextLength: c.n_positions!,
      nLayer: c.n_layer!,
      nHead: c.n_head!,
      nEmbd: c.n_embd!,
      dropout: 0,
    });
    const scorer = new Scorer(model);
    const session = await createCpuDevice().load([scorer.program], plan([scorer.program]));
    try {
      writeWeights(session, model.parameters, readSafetensors(goldenPath('hellaswag', 'model.safetensors')));
      const questions = tokens.map(
        ({ label, context, endings, chars }, i) =>
          [i, { label, context, choices: endings, characters: chars }] as const,
      );
      const scores: ItemScore[] = [];
      for await (const some of scoreItems(session, scorer, new Map(questions))) scores.push(...some);
      scores.sort((a, b) => a.index - b.index);
      expect(scores.map((s) => s.index)).toEqual(tokens.map((_, i) => i));
      let worst = 0;
      for (const [i, row] of expected.rows.entries()) {
        const own = scores[i]!;
        for (const [k, logprob] of row.logprob.entries()) worst = Math.max(worst, Math.abs(own.logprobs[k]! - logprob));
        const margin = (values: readonly number[]) => {
          const [first, second] = [...values].sort((a, b) => b - a);
          return first! - second!;
        };
        if (margin(row.logprob) > 1e-3) expect([i, predicted(own)]).toEqual([i, row.pred]);
        const norm = row.logprob.map((l, k) => l / own.characters[k]!);
        if (margin(norm) > 1e-3) expect([i, predictedNorm(own)]).toEqual([i, row.pred_norm]);
      }
      expect(worst).toBeLessThan(1e-3);
      const { acc, accNorm } = summarize(scores);
      expect([acc, accNorm]).toEqual([expected.acc, expected.acc_norm]);
    } finally {
      session.close();
    }
  });
});
