import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCpuDevice } from '../../electron/engine/devices/cpu/device.ts';
import type { Session } from '../../electron/engine/devices/device.ts';
import { Model } from '../../electron/engine/models/programs.ts';
import { plan } from '../../electron/engine/program/planner.ts';
import { Scorer } from '../../electron/engine/use/scorer.ts';
import { initialize } from '../../electron/engine/run/initialize.ts';
import { groupsOf, pack, type Question, rowsOf } from '../../electron/evals/packing.ts';
import { hasCpu } from '../engine/devices.ts';
import { lack, where } from '../frame/needs.ts';

const token = fc.integer({ min: 0, max: 96 });
const question = fc.record({
  context: fc.array(token, { minLength: 1, maxLength: 30 }),
  choices: fc.array(fc.array(token, { maxLength: 30 }), { minLength: 1, maxLength: 5 }),
});

describe('packing', () => {
  it('gives every choice its place once, in bins that are not overfull', () => {
    fc.assert(
      fc.property(fc.array(question, { maxLength: 40 }), fc.integer({ min: 8, max: 64 }), (questions, rows) => {
        const groups = questions.flatMap((q, i) => groupsOf(i, q, 16, rows));
        const bins = pack(groups, rows);
        expect(bins.flat().length).toBe(groups.length);
        expect(new Set(bins.flat())).toEqual(new Set(groups));
        for (const bin of bins) expect(bin.reduce((n, g) => n + rowsOf(g), 0)).toBeLessThanOrEqual(rows);
        const placed = groups.flatMap((g) => g.choices.map((c) => `${g.question} ${c.choice}`));
        const wanted = questions.flatMap((q, i) => q.choices.flatMap((c, k) => (c.length > 0 ? [`${i} ${k}`] : [])));
        expect(placed.sort()).toEqual(wanted.sort());
      }),
    );
  });

  it('leaves little room unused where pieces are small', () => {
    const questions = Array.from({ length: 200 }, (_, i): Question => {
      return { context: new Array<number>(5 + (i % 7)).fill(1), choices: [[1, 2, 3], [1], [4, 5], [6]] };
    });
    const groups = questions.flatMap((q, i) => groupsOf(i, q, 64, 256));
    const used = groups.reduce((n, g) => n + rowsOf(g), 0);
    expect(pack(groups, 256).length).toBeLessThanOrEqual(Math.ceil(used / 256) + 1);
  });
});

where(describe, [hasCpu, lack.cpu])('the scorer', () => {
  const config = { vocabSize: 97, contextLength: 16, nLayer: 2, nHead: 2, nEmbd: 32, dropout: 0.1 };

  it('gives what each sequence by itself gives, too long ones cut on the left', async () => {
    const model = new Model(config);
    const scorer = new Scorer(model, 48);
    const { contextLength: time } = config;
    const plain = model.evaluation(1, time);
    const programs = [scorer.program, plain.program, model.castWeights];
    const session = await createCpuDevice().load(programs, plan(programs));
    await initialize(session, model, 7);

    /** (context + choice)[-(time + 1):] in a batch of its own; what fills it up counts nothing. */
    async function alone(session: Session, context: readonly number[], choice: readonly number[]): Promise<number> {
      const sequence = [...context, ...choice].slice(-(time + 1));
      const counted = Math.min(choice.length, sequence.length - 1);
      const fill = <T>(values: readonly T[], rest: T) => [...values, ...new Array<T>(time - values.length).fill(rest)];
      const targets = sequence.slice(1).map((t, i) => (i >= sequence.length - 1 - counted ? t : -1));
      session.write(plain.inputs.tokens, Int32Array.from(fill(sequence.slice(0, -1), 0)));
      session.write(plain.inputs.position, Int32Array.of(0));
      session.write(plain.inputs.targets, Int32Array.from(fill(targets, -1)));
      await session.run(plain.program);
      return -(session.read(plain.losses) as Float32Array).reduce((a, b) => a + b, 0);
    }

    await fc.assert(
      fc.asyncProperty(fc.array(question, { minLength: 1, maxLength: 4 }), async (questions) => {
        for (const bin of pack(
          questions.flatMap((q, i) => groupsOf(i, q, time, scorer.rows)),
          scorer.rows,
        )) {
          for (const { question: q, choice, logprob } of await scorer.score(session, bin)) {
            const { context, choices } = questions[q]!;
            const expected = await alone(session, context, choices[choice]!);
            expect(Math.abs(logprob - expected)).toBeLessThan(2e-5 * Math.max(10, Math.abs(expected)));
          }
        }
      }),
      {
        numRuns: 100,
        // Four choices behind one token: more is scored than is read.
        examples: [
          [
            [
              { context: [0], choices: [6, 8, 5, 8].map((n) => new Array<number>(n).fill(0)) },
              { context: [0], choices: [3, 5, 9, 4].map((n) => new Array<number>(n).fill(0)) },
            ],
          ],
        ],
      },
    );
    session.close();
  });
});
