import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../electron/base/errors.ts';
import { settingName } from '../../electron/base/issues.ts';
import { checkRunConfig, parseRunConfig } from '../../electron/engine/run/config.ts';

const sound = {
  ...{ dataset: 'text', tokenizer: 'bytes', batch: 2, tokensPerStep: 64, precision: 'f32', recompute: 'none' },
  model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16, dropout: 0 },
  optimizer: { kind: 'adamw', beta1: 0.9, beta2: 0.95, weightDecay: 0.1 },
  phases: [
    { kind: 'warmup', steps: 3, from: 0, to: 1e-3 },
    {
      kind: 'constant',
      tokens: 640,
      from: 1e-3,
      to: 1e-3,
      mix: [{ dataset: 'a', subset: { from: 0, to: 50 }, weight: 2 }],
    },
  ],
  evaluation: { every: 10, sequences: 5 },
  sampling: { every: 0, prompts: ['a'], tokens: 3, temperature: 1 },
  checkpoints: { every: 5, keepLast: 2 },
  device: { kind: 'cpu', threads: 1 },
};

/** All places of a value, those of lists and objects included. */
function placesOf(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [path];
  const inside = Object.entries(value).flatMap(([key, part]) =>
    placesOf(part, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return path.length === 0 ? inside : [path, ...inside];
}

function put(value: unknown, [key, ...rest]: readonly (string | number)[], other: unknown): unknown {
  if (key === undefined) return other;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, unknown>;
  copy[key] = put(copy[key], rest, other);
  return copy;
}

const wrong = fc.constantFrom<unknown>(
  -1,
  0.5,
  1e12,
  Number.NaN,
  'x',
  '',
  true,
  null,
  undefined,
  [],
  [1],
  {},
  { x: 1 },
);

describe('what is said of a wrong config', () => {
  it('is ours, names the setting, and counts from 1', () => {
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(sound)), wrong, (path, value) => {
        const config = put(sound, path, value);
        const checked = checkRunConfig(config);
        if (!('problems' in checked)) return;
        const said = checked.problems.map(({ message }) => message);
        try {
          parseRunConfig(config);
        } catch (error) {
          if (!(error instanceof UsageError)) throw error;
          said.push(error.message);
        }
        for (const message of said) {
          expect(message).not.toMatch(
            /Invalid|[Ee]xpected|received|Unrecognized|Too (small|big)|NaN|undefined|\.\d+(\.|\b[a-z])/,
          );
          expect(message.length).toBeGreaterThan(5);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    [['phases', 0, 'steps'], -3, 'Bad setting steps of phase 1: it must be at least 1.'],
    [['phases', 1, 'kind'], 'warm', 'Bad setting kind of phase 2: choose from warmup, cosine, constant.'],
    [['phases', 1, 'foo'], 1, 'Bad setting foo of phase 2: there is no such setting.'],
    [
      ['phases', 1, 'mix', 0, 'weight'],
      0,
      'Bad setting weight of entry 1 of mix of phase 2: it must be greater than 0.',
    ],
    [['phases'], 3, 'Bad setting phases: it must be a list.'],
    [['batch'], 'x', 'Bad setting batch: enter a number.'],
    [['batch'], 1e9, 'Bad setting batch: it must be at most 65,536.'],
    [['model', 'nLayer'], 0, 'Bad setting model.nLayer: it must be at least 1.'],
    [['nosuch'], 1, 'Bad setting nosuch: there is no such setting.'],
    [['precision'], 'f8', 'Bad setting precision: choose from f32, bf16, f16.'],
  ])('says of %j as %j: %s', (path, value, message) => {
    expect(() => parseRunConfig(put(sound, path, value))).toThrow(message);
  });

  it('names settings by their paths', () => {
    expect(settingName(['model', 'nLayer'])).toBe('model.nLayer');
    expect(settingName(['phases', 1])).toBe('phase 2');
    expect(settingName(['sampling', 'prompts', 0])).toBe('entry 1 of sampling.prompts');
  });
});
