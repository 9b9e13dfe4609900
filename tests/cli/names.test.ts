import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it, onTestFinished, vi } from 'vitest';
import { main } from '../../electron/cli/main.ts';
import { findCheckpoint, findPlace, findRun } from '../../electron/cli/checkpointArgument.ts';
import { UsageError, UserError } from '../../electron/base/errors.ts';
import type { Run } from '../../electron/studio/store/index.ts';
import { plainName } from '../../electron/studio/store/names.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

function studioWith(): { studio: Studio; home: string; make: (name: string, ...steps: number[]) => Run } {
  const home = tempDir();
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  const make = (name: string, ...steps: number[]) => {
    const run = studio.store.runs.create({ name, config: { seed: 1 }, device: 'cpu' });
    for (const step of steps)
      studio.store.checkpoints.add(run.id, {
        step,
        path: path.join(home, 'runs', run.id, 'checkpoints', `step-${step}`),
        bytes: 1,
        valLoss: null,
      });
    studio.store.runs.setState(run.id, 'training');
    studio.store.runs.setState(run.id, 'completed');
    return run;
  };
  return { studio, home, make };
}

const message = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
};

it('a name may be anything: an @, a number, spaces, a dash, any script', () => {
  const { studio, make } = studioWith();
  for (const name of [
    'a@b',
    'x@12',
    '@',
    '@5',
    'mail@me@home',
    '12',
    '-dash',
    'has space',
    'λ→∞ 日本',
    'UP',
    '--home',
  ]) {
    const run = make(name, 3, 7);
    expect(findRun(studio, name).id).toBe(run.id);
    expect(findCheckpoint(studio, name)).toMatchObject({ run: { id: run.id }, step: 7 });
    expect(findCheckpoint(studio, `${name}@3`)).toMatchObject({ run: { id: run.id }, step: 3 });
    expect(findCheckpoint(studio, `${run.id}@3`)).toMatchObject({ run: { id: run.id }, step: 3 });
  }
  const names = new Set<string>();
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }), (name) => {
      // What is left of it is its name: a name of nothing but blanks is none.
      const kept = plainName(name);
      fc.pre(kept !== '' && !names.has(kept) && !/@\d+$/.test(kept));
      names.add(kept);
      const run = make(name, 5);
      expect(findPlace(studio, name)).toMatchObject({ run: { id: run.id }, step: undefined });
      expect(findPlace(studio, `${name}@5`)).toMatchObject({ run: { id: run.id }, step: 5 });
    }),
    { numRuns: 40 },
  );
});

it('what may mean two things is told, with how to say each', () => {
  const { studio, make } = studioWith();
  const [plain, odd] = [make('x', 12), make('x@12', 1)];
  expect(message(() => findCheckpoint(studio, 'x@12'))).toBe(
    `x@12 is the name of the run ${odd.id} and step 12 of the run ${plain.id}: say ${odd.id} or ${plain.id}@12.`,
  );
  // A run is meant where none of its checkpoints can be.
  expect(findRun(studio, 'x@12').id).toBe(odd.id);
  const other = make('y@9', 1);
  make('y', 1);
  expect(findCheckpoint(studio, 'y@9')).toMatchObject({ run: { id: other.id }, step: 1 });
  make('twin', 1);
  make('twin', 1);
  expect(message(() => findCheckpoint(studio, 'twin@1'))).toContain('2 runs are named twin');
});

it('a checkpoint where a run is wanted, and a step that is none, are told as such', () => {
  const { studio, make } = studioWith();
  const run = make('x', 12);
  expect(message(() => findRun(studio, 'x@12'))).toBe(
    `x@12 means a checkpoint of the run ${run.id}, and this takes a run: leave out @12.`,
  );
  expect(() => findRun(studio, 'x@12')).toThrow(UsageError);
  expect(message(() => findCheckpoint(studio, 'x@last'))).toContain('RUN@STEP with a whole number');
  expect(message(() => findCheckpoint(studio, 'x@13'))).toContain('has no checkpoint of step 13: it has 12');
  expect(message(() => findCheckpoint(studio, 'gone@12'))).toContain('There is no run');
});

/** What a command says on standard error, run in this process. */
async function stderrOf(args: readonly string[]): Promise<string> {
  const said: string[] = [];
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(console, 'error').mockImplementation((...parts: unknown[]) => void said.push(parts.map(String).join(' ')));
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => said.push(String(chunk)) > 0);
  await main(args);
  vi.restoreAllMocks();
  process.exitCode = 0;
  return said.join('\n');
}

it('every command that names a run takes such a name, and one with a dash behind --', async () => {
  const { studio, home, make } = studioWith();
  make('mail@me@12', 4);
  make('-dash');
  studio.close();
  for (const command of ['show', 'pause', 'stop', 'resume', 'phases']) {
    const said = await stderrOf(['--home', home, command, 'mail@me@12']);
    expect(said).not.toMatch(/There is no run|whole number|checkpoint of the run/);
    const dashed = await stderrOf(['--home', home, command, '--', '-dash']);
    expect(dashed).not.toMatch(/unknown option|There is no run/);
    expect(await stderrOf(['--home', home, command, 'mail@me@12@4'])).toMatch(/leave out @4/);
  }
  for (const args of [
    ['generate', 'mail@me@12@5'],
    ['export', 'mail@me@12@5', path.join(home, 'out')],
    ['eval', 'loss', 'mail@me@12@5'],
    ['train', '--from', 'mail@me@12@5', '--text', home],
  ])
    expect(await stderrOf(['--home', home, ...args])).toMatch(/has no checkpoint of step 5: it has 4/);
}, 120_000);

it('a folder whose bare name is that of a run is not taken without a word', async () => {
  const { studio, home, make } = studioWith();
  make('both');
  studio.close();
  const [dir, before] = [tempDir(), process.cwd()];
  fs.mkdirSync(path.join(dir, 'both'));
  process.chdir(dir);
  try {
    expect(await stderrOf(['--home', home, 'eval', 'hellaswag', 'both'])).toMatch(/both is a folder here and a run \(/);
  } finally {
    process.chdir(before);
  }
});
