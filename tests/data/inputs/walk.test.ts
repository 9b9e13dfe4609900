import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { content } from '../../../electron/data/archives/content.ts';
import { describeEndings, findFiles } from '../../../electron/data/inputs/walk.ts';
import { tempDir } from '../../temp.ts';
import { linux, notRoot, posix, where } from '../../frame/needs.ts';

function write(dir: string, name: string, content: string | Uint8Array = 'some text'): string {
  const file = path.join(dir, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
  return file;
}
const paths = async (...inputs: string[]) => (await findFiles(inputs)).files.map((f) => f.path);

describe('files that are named', () => {
  it('are found in folders and by globs, in a fixed order, each once', async () => {
    const dir = tempDir();
    const [a, b, c] = ['b.txt', 'sub/a.md', 'sub/c.txt'].map((name) => write(dir, name));
    write(dir, 'sub/picture.png');
    expect(await paths(dir)).toEqual([a, b, c]);
    expect(await paths(c!, dir, c!)).toEqual([c, a, b]);
    expect(await paths(path.join(dir, 'sub', '*.txt'))).toEqual([c]);
  });

  it('are taken as text where they are text, whatever their ending, and that is told', async () => {
    const dir = tempDir();
    const [script, log, bare, plain] = ['a.py', 'b.log', 'README', 'c.txt'].map((name) => write(dir, name));
    const { files } = await findFiles([script!, log!, bare!, plain!]);
    expect(files.map((f) => [f.path, f.format])).toEqual([script, log, bare, plain].map((f) => [f, 'text']));
    expect(files.map((f) => f.notice)).toEqual([...Array<string>(3).fill('is taken as plain text'), undefined]);
  });

  where(it, linux)('of the kernel, which may never end, are as empty as they say', async () => {
    const { files } = await findFiles(['/proc/self/status']);
    expect(files).toHaveLength(1);
    const read: Uint8Array[] = [];
    for await (const bytes of content(files[0]!, () => {})) read.push(bytes);
    expect(read).toEqual([]);
  });

  it('are told by name when they are not there', async () => {
    const dir = tempDir();
    await expect(findFiles([path.join(dir, 'none.txt')])).rejects.toThrow(/none\.txt.*check the path/);
    await expect(findFiles([dir])).rejects.toThrow(/holds no .*\.txt, \.md/);
    await expect(findFiles([path.join(dir, '*.txt')])).rejects.toThrow(/No file matches/);
    await expect(findFiles([path.join(dir, 'x'.repeat(5000))])).rejects.toThrow(/can't be read/);
  });
});

describe('a folder', () => {
  it('tells what is not taken of it, by ending and by name', async () => {
    const dir = tempDir();
    const taken = write(dir, 'a.txt');
    for (const name of ['b.PNG', 'sub/c.png', 'd.xyz', 'Makefile']) write(dir, name);
    const { files, notTaken } = await findFiles([dir]);
    expect(files.map((f) => f.path)).toEqual([taken]);
    expect(notTaken).toMatchObject({ files: 4, endings: { '.png': 2, '.xyz': 1, 'no ending': 1 } });
    expect(notTaken.examples.map((e) => path.relative(dir, e.path)).sort()).toEqual([
      'Makefile',
      'b.PNG',
      'd.xyz',
      path.join('sub', 'c.png'),
    ]);
    for (const { reason } of notTaken.examples) expect(reason).not.toBe('');
  });

  where(it, posix)('is read once, whatever links lead back into it', async () => {
    const dir = tempDir();
    const outside = tempDir();
    const [a, b] = [write(dir, 'sub/a.txt'), write(dir, 'z.txt')];
    write(outside, 'deep/c.txt');
    write(outside, 'd.txt');
    fs.symlinkSync('..', path.join(dir, 'sub', 'up'));
    fs.symlinkSync('.', path.join(dir, 'sub', 'self'));
    fs.symlinkSync(dir, path.join(outside, 'back'));
    fs.symlinkSync('loop', path.join(dir, 'loop'));
    fs.symlinkSync('nothing', path.join(dir, 'dangling.txt'));
    fs.symlinkSync(outside, path.join(dir, 'away'));
    fs.symlinkSync(path.join(outside, 'd.txt'), path.join(dir, 'd.txt'));
    const { files, notTaken } = await findFiles([dir]);
    expect(files.map((f) => path.relative(dir, f.path))).toEqual([
      path.join('away', 'd.txt'),
      path.join('away', 'deep', 'c.txt'),
      'd.txt',
      path.relative(dir, a),
      path.relative(dir, b),
    ]);
    expect(notTaken.endings).toEqual({ links: 5 });
    expect(describeEndings({ links: 1, '.pdf': 2, 'no ending': 1200 })).toBe('1,200 without an ending, 2 .pdf, 1 link');
    expect(notTaken.examples.map((e) => e.reason).sort()).toEqual([
      'a link to a folder that is read already',
      'a link to a folder that is read already',
      'a link to a folder that is read already',
      'a link to nothing',
      'a link to nothing',
    ]);
  });

  it('is no longer read when that is stopped', async () => {
    const dir = tempDir();
    for (let i = 0; i < 20; i++) write(dir, `${i}/a.txt`);
    const controller = new AbortController();
    const search = findFiles([dir], { signal: controller.signal });
    controller.abort();
    await expect(search).rejects.toThrow(/abort/i);
  });

  where(it, posix)('with a pipe in it, or a pipe in its place, is not waited for', async () => {
    const dir = tempDir();
    write(dir, 'a.txt');
    const pipe = path.join(dir, 'pipe.txt');
    execFileSync('mkfifo', [pipe]);
    const { notTaken } = await findFiles([dir]);
    expect(notTaken.examples).toEqual([{ path: pipe, reason: 'a pipe, not a file' }]);
    await expect(findFiles([pipe])).rejects.toThrow(/is a pipe, not a file/);
    await expect(findFiles(['/dev/zero'])).rejects.toThrow(/is a device, not a file/);
  });

  where(
    it,
    notRoot,
    posix,
  )('that may not be listed stops the search, or is told', async () => {
    const dir = tempDir();
    write(dir, 'a.txt');
    fs.chmodSync(path.dirname(write(dir, 'secret/b.txt')), 0);
    await expect(findFiles([dir])).rejects.toThrow(/secret can't be read.*--skip-bad-files/);
    const { files, notTaken } = await findFiles([dir], { skipBadFiles: true });
    expect([files.length, notTaken.files]).toEqual([1, 1]);
    fs.chmodSync(path.join(dir, 'secret'), 0o700);
  });
});
