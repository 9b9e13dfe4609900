import { expect, it } from 'vitest';
import { parseMix } from '../../electron/cli/mix.ts';
import { parsePhase } from '../../electron/cli/phases.ts';
import { showMix } from '../../electron/data/sampling/mix.ts';
import { UsageError } from '../../electron/base/errors.ts';

const everything = { from: 0, to: 100 };

it('understands names, parts and weights', () => {
  const books = { dataset: 'books-gpt2-1a', subset: { from: 0, to: 50 }, weight: 3 };
  const web = { dataset: 'web', subset: everything, weight: 1 };
  expect(parseMix('--mix', 'books-gpt2-1a@0-50%*3+web')).toEqual([books, web]);
  expect(parseMix('--mix', 'web')).toEqual([web]);
  expect(parsePhase('constant:10:1e-3:adamw8bit:mix=books-gpt2-1a@0-50*3+web*1')).toEqual({
    kind: 'constant',
    steps: 10,
    from: 1e-3,
    to: 1e-3,
    optimizer: 'adamw8bit',
    mix: [books, web],
  });
  expect(showMix([books, web])).toBe('75 % books-gpt2-1a 0-50% + 25 % web');
});

it('refuses what is none, and quotes it', () => {
  for (const text of ['', 'a++b', 'a@b', 'a*x', 'a*0', 'a*-1', 'a@50-20%', '@0-50%', 'a*2*3'])
    expect(() => parseMix('--mix', text), text).toThrow(UsageError);
});

it('of a mix and of a phase it is said what is wrong with which part', () => {
  const saying = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      return (error as Error).message;
    }
    return '';
  };
  expect(saying(() => parseMix('--mix', 'a++b'))).toMatch(/^--mix has nothing beside a \+: write/);
  expect(saying(() => parseMix('--mix', ' '))).toMatch(/^--mix is empty: write/);
  expect(saying(() => parseMix('--mix', 'a*x'))).toBe('--mix (the weight of a) needs a number, not "x".');
  expect(saying(() => parseMix('--mix', 'a*0'))).toBe('--mix needs weights above 0, and a has 0.');
  expect(parseMix('--mix', ' books @0-50%')).toMatchObject([{ dataset: 'books' }]);
  for (const twice of ['end=10:end=20', 'batch=2:batch=2', 'data=a:batch=2:data=b'])
    expect(saying(() => parsePhase(`cosine:30:1e-3:1e-4:${twice}`))).toMatch(
      / has (end|batch|data)= twice: leave one out\.$/,
    );
});
