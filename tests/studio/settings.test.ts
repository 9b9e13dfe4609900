import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSettings, writeSettings } from '../../electron/studio/settings.ts';
import { tempDir } from '../temp.ts';

const queue = { paused: false, hours: null };
const defaults = { theme: 'system', notifications: true, prompts: [], queue };

describe('settings', () => {
  it('are kept by home, each by itself', () => {
    const home = tempDir();
    expect(readSettings(home)).toEqual(defaults);
    expect(writeSettings(home, { theme: 'dark' })).toEqual({ ...defaults, theme: 'dark' });
    writeSettings(home, { notifications: false, prompts: ['Once'] });
    expect(readSettings(home)).toEqual({ theme: 'dark', notifications: false, prompts: ['Once'], queue });
    expect(readSettings(tempDir())).toEqual(defaults);
    expect(fs.readdirSync(home)).toEqual(['settings.json']);
  });

  it.each([
    ['', {}],
    ['{"theme": "da', {}],
    ['[]', {}],
    ['null', {}],
    ['{"theme": "blue", "notifications": false, "other": 1}', { notifications: false }],
    ['{"theme": "light", "prompts": "no list"}', { theme: 'light' }],
  ])('keep no studio shut that are damaged: %j', (content, good) => {
    const home = tempDir();
    fs.writeFileSync(path.join(home, 'settings.json'), content);
    expect(readSettings(home)).toEqual({ ...defaults, ...good });
  });

  it('say where they can’t be kept', () => {
    const home = path.join(tempDir(), 'gone');
    expect(() => writeSettings(home, { theme: 'dark' })).toThrow(/can't be kept in .*settings\.json/);
  });
});
