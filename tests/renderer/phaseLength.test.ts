import { describe, expect, it } from 'vitest';
import { parseLength } from '../../electron/cli/phases.ts';
import { draftOf, lengthOf, phaseOf } from '../../renderer/pages/new/phase.ts';

const draft = { ...draftOf({ kind: 'constant', steps: 5, from: 1e-4, to: 1e-4 }) };

describe('the length of a phase on the page', () => {
  it.each([
    ['2M', 'steps', { steps: 2e6 }],
    ['2M', 'tokens', { tokens: 2e6 }],
    ['500', 'steps', { steps: 500 }],
    // What is typed behind the number goes before what is chosen beside it.
    ['2Mtok', 'steps', { tokens: 2e6 }],
    ['10M tokens', 'steps', { tokens: 1e7 }],
    ['20K', 'steps', { steps: 20_000 }],
    ['20ksteps', 'tokens', { steps: 20_000 }],
  ] as const)('%s, with %s chosen', (length, unit, expected) => {
    const { steps, tokens } = phaseOf({ ...draft, length, unit }, 'own') as { steps?: number; tokens?: number };
    expect({ ...(steps === undefined ? {} : { steps }), ...(tokens === undefined ? {} : { tokens }) }).toEqual(
      expected,
    );
  });

  it.each(['500', '20k', '20K', '2Msteps', '10Mtok', '64 tokens', '1step'])(
    '%s is what it is on the command line',
    (length) => {
      const { unit, size } = lengthOf({ length, unit: 'steps' });
      expect({ [unit]: size }).toEqual(parseLength('--phase', length));
    },
  );

  it.each(['', 'tok', 'steps', 'many', '2Mtoks'])('%j is no length', (length) => {
    expect(lengthOf({ length, unit: 'steps' }).size).toBeNaN();
  });
});
