import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { UserError } from '../../electron/base/errors.ts';
import { checkpointDir, locateHome, resolveHome } from '../../electron/studio/home.ts';
import { tempDir } from '../temp.ts';
import { linux, where } from '../frame/needs.ts';

test('the flag wins over the variable, the variable over the custom of the platform', () => {
  const at = (platform: NodeJS.Platform, env: Record<string, string>, homedir: string, flag?: string) =>
    locateHome(flag, { env, platform, homedir });
  expect(at('linux', {}, '/u')).toBe('/u/.local/share/trainyard');
  expect(at('linux', { XDG_DATA_HOME: '/x' }, '/u')).toBe('/x/trainyard');
  expect(at('linux', { XDG_DATA_HOME: 'relative' }, '/u')).toBe('/u/.local/share/trainyard');
  expect(at('linux', { TRAINYARD_HOME: '/t', XDG_DATA_HOME: '/x' }, '/u')).toBe('/t');
  expect(at('linux', { TRAINYARD_HOME: '/t' }, '/u', '/f')).toBe('/f');
  expect(at('linux', { TRAINYARD_HOME: '' }, '/u')).toBe('/u/.local/share/trainyard');
  expect(at('darwin', {}, '/Users/u')).toBe('/Users/u/Library/Application Support/Trainyard');
  expect(at('win32', { APPDATA: 'C:\\A' }, 'C:\\u')).toBe('C:\\A\\Trainyard');
  expect(at('win32', {}, 'C:\\u')).toBe('C:\\u\\AppData\\Roaming\\Trainyard');
});

test('makes the folder, with those above it', () => {
  const home = path.join(tempDir(), 'a', 'b');
  expect(resolveHome(home)).toBe(home);
  expect(fs.statSync(home).isDirectory()).toBe(true);
  expect(resolveHome(path.relative(process.cwd(), home))).toBe(home);
});

test('a file in its place is reported, with what to do', () => {
  const file = path.join(tempDir(), 'file');
  fs.writeFileSync(file, '');
  for (const home of [file, path.join(file, 'below')]) {
    expect(() => resolveHome(home)).toThrow(UserError);
    expect(() => resolveHome(home)).toThrow(/file.*--home/);
  }
});

where(test, linux)('a place where no folder can be made is reported at once', () => {
  expect(() => resolveHome('/proc/trainyard')).toThrow(/\/proc\/trainyard can't be created.*--home/);
});

test('checkpoints lie where the trainer writes them', () => {
  const dir = checkpointDir('/home', 'brave-otter-3f2a', 500);
  expect(dir).toBe(path.join('/home', 'runs', 'brave-otter-3f2a', 'checkpoints', 'step-000500'));
});
