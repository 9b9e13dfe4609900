import { describe, expect, it } from 'vitest';
import { parseLength } from '../../electron/cli/phases.ts';
import { draftOf, lengthOf, parseAmount, phaseOf } from '../../renderer/pages/new/phase.ts';

const draft = { ...draftOf({ kind: 'constant', steps: 5, from: 1e-4, to: 1e-4 }) };

describe('the length of a phase on the page', () => {
  it.each([
    ['2M', 'steps', { steps: 2e6 }],
    ['2M', 'tokens', { tokens: 2e6 }],
    ['500', 'steps', { steps: 500 }],
    // What is typed behind the number goes before what is chosen beside it.
    ['2Mtok', 'steps', { tokens: 2e6 }],
    ['10M tokens', 'steps', { tokens: 1e7 }],
    ['20ksteps', 'tokens', { steps: 20_000 }],
  ] as const)('%s, with %s chosen', (length, unit, expected) => {
    const { steps, tokens } = phaseOf({ ...draft, length, unit }, 'own') as { steps?: number; tokens?: number };
    expect({ ...(steps === undefined ? {} : { steps }), ...(tokens === undefined ? {} : { tokens }) }).toEqual(
      expected,
    );
  });

  it.each(['500', '20k', '2Msteps', '10Mtok', '64 tokens', '1step'])(
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

it('takes commas between thousands alone: one that may be a decimal point is no number', () => {
  expect(['262,144', '1,000,000', ' 12,000 ', '1,000.5'].map(parseAmount)).toEqual([262_144, 1e6, 12_000, 1000.5]);
  for (const text of ['0,001', '3,5', '1,00', '1,0000', '12,34,567', ',5', '1,', '0,0003e-1'])
    expect(parseAmount(text), text).toBeNaN();
});

it('takes a sign, so that what is wrong with a negative number is said of it', () => {
  expect(['-5', ' -2.5e-3', '+3', '-1,000'].map(parseAmount)).toEqual([-5, -0.0025, 3, -1000]);
  expect(Object.is(parseAmount('-0'), 0)).toBe(true);
});
