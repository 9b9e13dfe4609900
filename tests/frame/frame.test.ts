import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { lackOf, where } from './needs.ts';
import { setup } from './temporaryFolder.ts';
import { thoroughFiles } from './thorough.ts';
import { tempDir } from '../temp.ts';

it('every file that is left to the thorough tests is there', () => {
  const cwd = path.resolve(import.meta.dirname, '..', '..');
  expect(thoroughFiles.filter((pattern) => fs.globSync(pattern, { cwd }).length === 0)).toEqual([]);
});

it('what is left in the temporary folder fails the run', () => {
  for (const name of ['TMPDIR', 'TEMP', 'TMP']) vi.stubEnv(name, tempDir());
  onTestFinished(() => void vi.unstubAllEnvs());
  const clean = setup();
  expect(fs.existsSync(os.tmpdir())).toBe(true);
  clean();
  const dirty = setup();
  const folder = os.tmpdir();
  fs.mkdirSync(path.join(folder, 'a'));
  fs.writeFileSync(path.join(folder, 'a', 'b'), '');
  expect(dirty).toThrow(`The tests have left 2 files or folders in the temporary folder: a, ${path.join('a', 'b')}.`);
  expect(fs.existsSync(folder)).toBe(false);
});

it('a test that is skipped names what it lacks', () => {
  const names: string[] = [];
  const api = Object.assign(() => names.push('run'), {
    skip: Object.assign((name: string) => names.push(name), { each: () => (name: string) => names.push(name) }),
  }) as unknown as typeof it;
  expect(where(api, [true, 'a'])).toBe(api);
  where(api, [true, 'a'], [false, 'b (make b)'], [false, 'c'])('one', () => {});
  where(api, [false, 'd']).each([1])('two %i', () => {});
  expect(names).toEqual(['one — needs b (make b)', 'two %i — needs d']);
  expect([lackOf(`file > ${names[0]!} > inner`), lackOf('plain')]).toEqual(['b (make b)', undefined]);
});
