import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { exportModel, importModel } from '../../electron/studio/exchange.ts';
import { requireAnswer, requireFile, requireFolder } from '../../electron/studio/givenPaths.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { randomWeights, tiny, writeFolder } from '../exchange/huggingFace/model.ts';
import { tempDir } from '../temp.ts';
import { posix, where } from '../frame/needs.ts';

function opened(): Studio {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.close());
  return studio;
}

/** A file system call that is never answered, as of a network drive that is gone. */
const hung = (name: 'stat' | 'readdir') => {
  const spy = vi.spyOn(fs.promises, name).mockImplementation(() => new Promise<never>(() => {}));
  onTestFinished(() => spy.mockRestore());
};

where(describe, posix)('a path that a user names', () => {
  it('and that is no plain file is refused before it is read', async () => {
    const dir = tempDir();
    const pipe = path.join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(requireFile(pipe)).rejects.toThrow(/is a pipe: name a file/);
    await expect(requireFile(dir)).rejects.toThrow(/is a folder: name a file/);
    await expect(requireFile('/dev/zero')).rejects.toThrow(/is a device: name a file/);
    // Whoever reads it says that there is none.
    await expect(requireFile(path.join(dir, 'nope'))).resolves.toBeUndefined();
    await expect(requireFolder(dir)).rejects.toThrow(/is a pipe, and no file/);
    if (process.platform === 'linux') await expect(requireFile('/proc/kmsg')).rejects.toThrow(/empty/);
    const file = path.join(dir, 'file');
    fs.writeFileSync(file, 'some text');
    await expect(requireFile(file)).resolves.toBeUndefined();
    await expect(requireFile(file, 5)).rejects.toThrow(/too large/);
    await expect(requireFolder(file)).rejects.toThrow(/no folder/);
  });

  it('on a drive that does not answer is refused after a while', async () => {
    const dir = tempDir();
    hung('readdir');
    await expect(requireFolder(dir, 20)).rejects.toThrow(/has not answered/);
    hung('stat');
    await expect(requireFile(dir, 1, 20)).rejects.toThrow(/has not answered/);
    await expect(requireFolder(dir, 20)).rejects.toThrow(/has not answered/);
    await expect(requireAnswer(path.join(dir, 'a'), 20)).rejects.toThrow(/has not answered/);
  });

  it('to import from, to export to, or to take items from can’t hold a studio up', async () => {
    const studio = opened();
    const { run } = await importModel(studio, await writeFolder(tiny, randomWeights(tiny, 1)), 'theirs');
    const pipe = path.join(tempDir(), 'model.safetensors');
    execFileSync('mkfifo', [pipe]);
    await expect(importModel(studio, path.dirname(pipe))).rejects.toThrow(/is a pipe/);
    await expect(studio.models.hellaswag(run, 0, pipe, 10).next()).rejects.toThrow(/is a pipe/);
    await expect(studio.models.hellaswag(run, 0, '/dev/zero', 10).next()).rejects.toThrow(/is a device/);
    if (process.platform !== 'linux') return;
    // Node's own way to make folders never comes back from there.
    for (const dir of ['/proc/nope', '/proc/nope/deep/er', '/dev/null/x'])
      await expect(exportModel(studio, run, 0, dir, { dtype: 'f32' })).rejects.toThrow(/can't be written|is a file/);
    await expect(importModel(studio, '/proc/nope')).rejects.toThrow(/nope.*can't be read/);
  });
});
