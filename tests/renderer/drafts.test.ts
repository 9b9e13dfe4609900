import { createRouterClient } from '@orpc/server';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { Problems } from '../../renderer/lib/problems.ts';
import { runFields } from '../../renderer/new/fields.ts';
import { sourcesOf } from '../../renderer/new/parts.ts';
import { type PhaseDraft, phaseOf } from '../../renderer/new/phase.ts';
import { tempDir } from '../temp.ts';

/** What people type, paste and mistype. */
const typed = fc.oneof(
  fc.constantFrom(
    ...[
      '',
      ' ',
      '0',
      '-0',
      '1',
      '3',
      '1e30',
      '1e400',
      '5e-324',
      '0.5',
      '-7',
      '0x10',
      '1,000',
      '1 000',
      '10k',
      '2M',
      '1.5B',
    ],
    ...['NaN', 'Infinity', '🚂', '1e-3', '1e', '--1', '1\n2', '9007199254740993', '10Mtok', '5steps', '٣', '12abc'],
  ),
  fc.string({ maxLength: 8 }),
);
/** As a number field holds it. */
const number = fc.oneof(
  fc.constantFrom(null, 0, -0, 1, 2, 8, 0.5, -7, 1e30, 5e-324, Number.NaN, Number.POSITIVE_INFINITY, 65537),
  fc.double(),
);
const range = fc.oneof(typed, fc.constantFrom('0-50%', '50-20', '0-1e3', '10 - 30 %', '-5-10'));
const part = fc.record({ dataset: fc.constantFrom('', 'text', 'gone'), range, weight: typed });
const phase: fc.Arbitrary<PhaseDraft> = fc.record({
  kind: fc.constantFrom('warmup', 'cosine', 'constant'),
  unit: fc.constantFrom('steps', 'tokens'),
  length: typed,
  from: typed,
  to: typed,
  optimizer: fc.constantFrom('', 'adamw', 'adamw8bit'),
  batch: typed,
  data: fc.array(part, { maxLength: 2 }),
  rest: fc.constant({}),
});
/** Most of it is right, or nothing behind the first checks would ever be seen. */
const mostly = <T>(right: T, wrong: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(right) }, wrong);
const draft = fc.record({
  model: fc.record({
    nLayer: mostly(1, number),
    nHead: mostly(1, number),
    nEmbd: mostly(8, number),
    contextLength: mostly(8, number),
    dropout: mostly(0, number),
  }),
  batch: mostly(1, number),
  tokensPerStep: mostly(8, number),
  sampleEvery: mostly(0, number),
  prompts: fc.array(typed, { maxLength: 3 }),
  hellaswagEvery: mostly(0, number),
  hellaswagItems: mostly(1, number),
  phases: fc.array(phase, { maxLength: 3 }),
  data: fc.array(part, { maxLength: 2 }),
  reserveMiB: mostly(0, number),
});

it('whatever is typed on New run, its problems stand at fields of the page, in words', async () => {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.close());
  const client = createRouterClient(router, { context: { studio } });
  await fc.assert(
    fc.asyncProperty(draft, async (d) => {
      const { dataset: _, ...sources } = sourcesOf(d.data, 'text') as Record<string, unknown>;
      const config = {
        ...{ model: d.model, batch: d.batch, tokensPerStep: d.tokensPerStep, dataset: 'text', tokenizer: 'bytes' },
        ...sources,
        ...{ precision: 'f32', recompute: 'none', device: { kind: 'cpu' }, optimizer: { kind: 'adamw' } },
        sampling: { prompts: d.prompts, every: d.sampleEvery },
        evaluation: { hellaswagEvery: d.hellaswagEvery, hellaswagItems: d.hellaswagItems },
        phases: d.phases.map((p) => phaseOf(p, 'text')),
      };
      const budget = { kind: 'gpu', id: 'rtx-3060-12gb', reserveMiB: d.reserveMiB as number } as const;
      const told = await client.drafts.check({ config, budget }).then(
        (report) => {
          // What can be started has nothing wrong with it.
          expect(report.config === null).toBe(report.problems.length > 0 && report.plan === null);
          return report.problems;
        },
        (error: { data?: { problems?: { path: string; message: string }[] } }) =>
          error.data?.problems ?? [{ path: '', message: String(error) }],
      );
      const fieldOf = runFields(d.phases);
      for (const { path, message } of told) {
        expect(fieldOf(path), `${path}: ${message}`).toBeDefined();
        expect(message).not.toMatch(/Invalid|expected|received|NaN|undefined|null|Unrecognized|Error|\w+\.\d+\.\w+/);
      }
      const problems = new Problems(told, fieldOf);
      expect(problems.rest).toEqual([]);
      for (const { path } of told) expect(problems.at(fieldOf(path)!)).toMatch(/^[A-Z].*\.$/s);
    }),
    { numRuns: 300 },
  );
});
