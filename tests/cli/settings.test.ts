import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInteger, parseNumber } from '../../electron/cli/numbers.ts';
import { parseLength, parsePhase, simplePhases } from '../../electron/cli/phases.ts';
import { merge } from '../../electron/cli/settings.ts';
import { UsageError } from '../../electron/base/errors.ts';

describe('numbers on the command line', () => {
  it('reads suffixes, exponents and separators', () => {
    expect(parseNumber('--x', '1e-3')).toBe(1e-3);
    expect(parseNumber('--x', '262_144')).toBe(262144);
    expect(parseNumber('--x', '11.7B')).toBe(11.7e9);
    expect(parseNumber('--x', '.5')).toBe(0.5);
    expect(parseInteger('--x', '10k')).toBe(10_000);
  });

  it('refuses everything else with the name of the flag', () => {
    for (const text of ['', 'abc', '1e', '--', 'NaN', 'Infinity', '1 2', '0x10']) {
      expect(() => parseNumber('--batch', text), text).toThrow(UsageError);
      expect(() => parseNumber('--batch', text)).toThrow(/--batch/);
    }
    expect(() => parseInteger('--batch', '1.5')).toThrow(/whole number/);
    expect(() => parseInteger('--batch', '0', 1)).toThrow(/at least 1/);
  });

  it('reads back any number it is given', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        (x) => parseNumber('--x', String(x)) === x || Object.is(x, -0),
      ),
    );
  });
});

describe('phases on the command line', () => {
  it('reads lengths in steps and in tokens', () => {
    expect(parsePhase('warmup:100:0:1e-3')).toEqual({ kind: 'warmup', steps: 100, from: 0, to: 1e-3 });
    expect(parsePhase('constant:1Btok:9e-5')).toEqual({ kind: 'constant', tokens: 1e9, from: 9e-5, to: 9e-5 });
  });

  it('reads what a phase has of its own', () => {
    expect(parsePhase('constant:1Btok:9e-5:adamw8bit:subset=50-80%')).toEqual({
      kind: 'constant',
      tokens: 1e9,
      from: 9e-5,
      to: 9e-5,
      optimizer: 'adamw8bit',
      subset: { from: 50, to: 80 },
    });
    expect(parsePhase('cosine:10:1e-3:1e-4:batch=2:eval=0:checkpoint=500:data=C:/news.txt')).toMatchObject({
      batch: 2,
      evaluateEvery: 0,
      checkpointEvery: 500,
      dataset: 'C:/news.txt',
    });
  });

  it('says what is wrong with a phase', () => {
    for (const text of ['cosine', 'cosine:10', 'linear:10:1:2', 'cosine:10:1e-3', 'warmup:x:0:1', 'cosine:1:2:3:4']) {
      expect(() => parsePhase(text), text).toThrow(UsageError);
    }
  });

  it('makes the usual schedule, and refuses a warm-up that is longer than the run', () => {
    expect(simplePhases({ steps: 10, peak: 1, warmupSteps: 4, min: 0.1 })).toEqual([
      { kind: 'warmup', steps: 4, from: 0, to: 1 },
      { kind: 'cosine', steps: 6, from: 1, to: 0.1 },
    ]);
    expect(() => simplePhases({ steps: 4, peak: 1, warmupSteps: 4, min: 0.1 })).toThrow(UsageError);
  });
});

describe('lengths on the command line', () => {
  it.each([
    ['500', { steps: 500 }],
    ['2k', { steps: 2000 }],
    ['10Mtok', { tokens: 1e7 }],
    ['64tok', { tokens: 64 }],
    ['1.5Btok', { tokens: 1.5e9 }],
    ['1.001M tokens', { tokens: 1_001_000 }],
    ['2Msteps', { steps: 2e6 }],
    ['2M steps', { steps: 2e6 }],
    ['1step', { steps: 1 }],
  ])('%s', (text, length) => expect(parseLength('--current', text)).toEqual(length));

  it('name the flag that is wrong', () => {
    expect(() => parseLength('--current', 'long')).toThrow(/^--current needs a number, not "long"/);
    expect(() => parseLength('--current', 'steps')).toThrow(/^--current needs a number, not ""/);
  });

  it.each(['2M', '1.5B', '1_000M'])('%s may be steps or tokens, and is refused with both', (text) => {
    expect(() => parseLength('--phase', text)).toThrow(`is it steps or tokens? Write ${text}steps or ${text}tok.`);
    expect(() => parsePhase(`constant:${text}:1e-4`)).toThrow(UsageError);
  });

  it('are the same number with each unit, however they are written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom('', 'k', 'M', 'B'), (n, multiplier) => {
        const size = n * { '': 1, k: 1e3, M: 1e6, B: 1e9 }[multiplier];
        expect(parseLength('--phase', `${n}${multiplier}tok`)).toEqual({ tokens: size });
        expect(parseLength('--phase', `${n}${multiplier} tokens`)).toEqual({ tokens: size });
        expect(parseLength('--phase', `${n}${multiplier}steps`)).toEqual({ steps: size });
      }),
    );
  });
});

describe('merge', () => {
  it('lets the second tree win, key by key', () => {
    expect(merge({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3] }, e: 2 })).toEqual({
      a: { b: 1, c: [3] },
      d: 1,
      e: 2,
    });
  });
});
