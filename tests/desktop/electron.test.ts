import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { _electron } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

/** The binary that the package `electron` has fetched, if it could. */
function electronBinary(): string | undefined {
  const folder = path.dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  const named = path.join(folder, 'path.txt');
  if (!fs.existsSync(named)) return undefined;
  const binary = path.join(folder, 'dist', fs.readFileSync(named, 'utf8').trim());
  return fs.existsSync(binary) ? binary : undefined;
}

const executablePath = electronBinary();

where(describe, [executablePath !== undefined, lack.electron])('the desktop application in Electron itself', () => {
  it('opens its window, shows the studio, and closes', async () => {
    const application = await _electron.launch({
      executablePath: executablePath!,
      args: [packageFile('dist/electron/main.js'), '--no-sandbox', `--user-data-dir=${tempDir()}`],
      env: { ...process.env, TRAINYARD_HOME: tempDir() } as Record<string, string>,
    });
    const page = await application.firstWindow();
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    expect(page.url()).toMatch(/^app:\/\/studio\//);
    expect(await page.evaluate('typeof process')).toBe('undefined');
    await application.close();
  });
});
