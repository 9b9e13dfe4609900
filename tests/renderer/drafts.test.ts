import { createRouterClient } from '@orpc/server';
import fc from 'fast-check';
import { expect, it, onTestFinished } from 'vitest';
import { router } from '../../electron/api/router.ts';
import { settings } from '../../electron/engine/run/settings.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { Problems } from '../../renderer/state/problems.ts';
import { hasField, initial, withValue } from '../../renderer/state/settingValues.ts';
import { runFields } from '../../renderer/pages/new/fields.ts';
import { sourcesOf } from '../../renderer/pages/new/parts.ts';
import { type PhaseDraft, phaseOf } from '../../renderer/pages/new/phase.ts';
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
/** What a form holds of each setting that has a field, small where the schema has no default. */
const small: Readonly<Record<string, unknown>> = {
  'model.nLayer': 1,
  'model.nHead': 1,
  'model.nEmbd': 8,
  'model.contextLength': 8,
  batch: 1,
  tokensPerStep: 8,
};
const fields = settings.filter(hasField);
const values = fc.record(
  Object.fromEntries(
    fields.map((s) => {
      if (s.kind === 'choice') return [s.path, fc.constantFrom(...s.choices!)];
      if (s.kind === 'toggle') return [s.path, fc.constant(false)];
      return [s.path, fc.oneof({ weight: 20, arbitrary: fc.constant(small[s.path] ?? initial(s)) }, number)];
    }),
  ),
);
const draft = fc.record({
  values,
  prompts: fc.array(typed, { maxLength: 3 }),
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
      let config: Record<string, unknown> = {
        ...{ dataset: 'text', tokenizer: 'bytes', device: { kind: 'cpu' } },
        ...sources,
        sampling: { prompts: d.prompts },
        phases: d.phases.map((p) => phaseOf(p, 'text')),
      };
      for (const { path, optional } of fields) {
        const value = d.values[path];
        if (!(optional && (value === null || value === false))) config = withValue(config, path, value);
      }
      const budget = { kind: 'gpu', id: 'rtx-3060-12gb', reserveMiB: d.reserveMiB as number } as const;
      const reported = await client.drafts.check({ config, budget }).then(
        (report) => {
          // What can be started has nothing wrong with it.
          expect(report.config === null).toBe(report.problems.length > 0 && report.plan === null);
          return report.problems;
        },
        (error: { data?: { problems?: { path: string; message: string }[] } }) =>
          error.data?.problems ?? [{ path: '', message: String(error) }],
      );
      const fieldOf = runFields(d.phases, new Set(fields.map((s) => s.path)));
      for (const { path, message } of reported) {
        expect(fieldOf(path), `${path}: ${message}`).toBeDefined();
        expect(message).not.toMatch(/Invalid|expected|received|NaN|undefined|null|Unrecognized|Error|\w+\.\d+\.\w+/);
      }
      const problems = new Problems(reported, fieldOf);
      expect(problems.rest).toEqual([]);
      for (const { path } of reported) expect(problems.at(fieldOf(path)!)).toMatch(/^[A-Z].*\.$/s);
    }),
    { numRuns: 300 },
  );
});
