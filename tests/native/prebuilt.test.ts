import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { addonPath } from '../../electron/engine/devices/cpu/addon.ts';
import type { Target } from '../../native/compile.ts';
import { ship, takePrebuilt } from '../../native/prebuilt.ts';
import { hasCpu } from '../engine/devices.ts';
import { lack, where } from '../frame/needs.ts';
import { tempDir } from '../temp.ts';

/** An addon of one source, whose binary is that of the cpu device. */
function shipped(): { target: Target; source: string; folder: string } {
  const [dir, folder] = [tempDir(), tempDir()];
  const [source, file] = [path.join(dir, 'one.cpp'), path.join(dir, 'one.node')];
  fs.writeFileSync(source, 'int one;');
  fs.copyFileSync(addonPath, file);
  const target: Target = { name: 'one', file, parts: [{ sources: [source] }] };
  ship(target, folder);
  fs.rmSync(file);
  return { target, source, folder };
}

where(it, [hasCpu, lack.cpu])('an addon that a release ships is taken where it is of the sources that are here', () => {
  const { target, source, folder } = shipped();
  expect(takePrebuilt(target, folder)).toBe(true);
  expect(fs.readFileSync(target.file).equals(fs.readFileSync(addonPath))).toBe(true);
  fs.rmSync(target.file);
  fs.appendFileSync(source, ' ');
  expect(takePrebuilt(target, folder)).toBe('the one that was shipped is of other sources');
  expect(fs.existsSync(target.file)).toBe(false);
});

where(it, [hasCpu, lack.cpu])('one that is damaged, or does not load, is not taken', () => {
  const { target, folder } = shipped();
  fs.appendFileSync(path.join(folder, 'one.node'), 'x');
  expect(takePrebuilt(target, folder)).toBe('the one that was shipped is damaged');
  fs.writeFileSync(target.file, 'no addon');
  ship(target, folder);
  expect(takePrebuilt(target, folder)).toBe('the one that was shipped does not load here');
});

it('where none is shipped nothing is said', () => {
  expect(takePrebuilt({ name: 'one', file: path.join(tempDir(), 'one.node'), parts: [] }, tempDir())).toBeUndefined();
});
