import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  cleanPartials,
  latestValid,
  listCheckpoints,
  openCheckpoint,
  prune,
  writeCheckpoint,
} from '../../../electron/engine/checkpoint/index.ts';
import { UserError } from '../../../electron/base/errors.ts';
import { nodeFileSystem } from '../../../electron/base/fileSystem.ts';
import { tempDir } from '../../temp.ts';
import { contentOf, writeSteps } from './content.ts';
import { type Faults, faultyFileSystem } from './faults.ts';
import { notRoot, posix, where } from '../../frame/needs.ts';

/** Runs `attempt` with the fault at its first call, its second … until it gets through without meeting it. */
async function atEveryCall(mode: Faults['mode'], torn: boolean, attempt: (faults: Faults) => Promise<number>) {
  for (let at = 0; ; at++) {
    const calls = await attempt({ at, mode, torn });
    if (calls <= at) return at;
  }
}

const markOf = async (dir: string) => (await (await openCheckpoint(dir)).model('wte.weight'))[0];

/** Every listed checkpoint is whole and is what was written under its step: one of these marks. */
async function expectWhole(root: string, marks: Record<number, number[]>) {
  const listed = await listCheckpoints(root);
  for (const { step, dir } of listed) expect(marks[step]).toContain(await markOf(dir));
  return listed.map((c) => c.step);
}

const modes: [Faults['mode'], boolean][] = [
  ['once', false],
  ['once', true],
  ['full', true],
  ['kill', false],
  ['kill', true],
];

describe.each(modes)('a fault (%s, torn write: %s) at every call', (mode, torn) => {
  it('of a new checkpoint leaves the one before it, and the next attempt succeeds', async () => {
    const tried = await atEveryCall(mode, torn, async (faults) => {
      const root = path.join(tempDir(), 'checkpoints');
      await writeSteps(root, 500);
      const faulty = faultyFileSystem(faults);
      const error = await writeCheckpoint(root, 1000, contentOf(1000), faulty.fs).catch((e: unknown) => e);
      if (error instanceof Error) {
        expect(error).toBeInstanceOf(UserError);
        expect(error.message).toMatch(/step 1,000 was not written to .*disk is full \(ENOSPC\); it needs .* KiB/);
      }
      const steps = await expectWhole(root, { 500: [500], 1000: [1000] });
      expect(steps).toContain(500);
      if (!(error instanceof Error)) expect(steps).toContain(1000);
      await writeSteps(root, 1000);
      expect(await expectWhole(root, { 500: [500], 1000: [1000] })).toEqual([500, 1000]);
      expect(fs.readdirSync(root).sort()).toEqual(['step-000500', 'step-001000']);
      return faulty.calls.length;
    });
    expect(tried).toBeGreaterThan(20);
  });

  it('of one that replaces another of its step leaves the old or the new one', async () => {
    await atEveryCall(mode, torn, async (faults) => {
      const root = tempDir();
      await writeCheckpoint(root, 500, contentOf(1));
      const faulty = faultyFileSystem(faults);
      const error = await writeCheckpoint(root, 500, contentOf(2), faulty.fs).catch((e: unknown) => e);
      const marks = error instanceof Error ? [1, 2] : [2];
      expect(await expectWhole(root, { 500: marks })).toEqual([500]);
      expect(marks).toContain(await markOf(path.join(root, 'step-000500'))); // under its own name too
      await cleanPartials(root);
      expect(await expectWhole(root, { 500: marks })).toEqual([500]);
      expect(fs.readdirSync(root).sort()).toEqual(['step-000500']);
      return faulty.calls.length;
    });
  });

  it('of pruning leaves only whole checkpoints, the last one among them', async () => {
    await atEveryCall(mode, torn, async (faults) => {
      const root = tempDir();
      await writeSteps(root, 1, 2, 3);
      const faulty = faultyFileSystem(faults);
      await prune(root, { keepLast: 1, keep: new Set() }, faulty.fs).catch(() => {});
      expect(await expectWhole(root, { 1: [1], 2: [2], 3: [3] })).toContain(3);
      expect((await latestValid(root)).checkpoint?.step).toBe(3);
      return faulty.calls.length;
    });
  });
});

describe('an error that is no kill', () => {
  it('removes the unfinished folder at once', async () => {
    for (const at of [4, 6, 8, 12, 16]) {
      const root = tempDir();
      const { fs: faulty } = faultyFileSystem({ at, mode: 'full', torn: true });
      await expect(writeCheckpoint(root, 7, contentOf(7), faulty)).rejects.toThrow(/there is no earlier checkpoint/);
      expect(fs.readdirSync(root).sort()).toEqual([]);
    }
  });

  it('of an entry passes through as it is and leaves nothing', async () => {
    const root = tempDir();
    await writeSteps(root, 1);
    const broken = { ...contentOf(2).model[0]!, data: () => Promise.reject(new RangeError('device lost')) };
    const writing = writeCheckpoint(root, 2, { ...contentOf(2), optimizer: [broken] });
    await expect(writing).rejects.toThrow(new RangeError('device lost'));
    expect(fs.readdirSync(root).sort()).toEqual(['step-000001']);
  });

  it('says before it writes that the disk has too little space', async () => {
    const root = tempDir();
    await writeSteps(root, 1);
    const small = { ...nodeFileSystem, freeBytes: async () => 1000 };
    const writing = writeCheckpoint(root, 2, contentOf(2), small);
    await expect(writing).rejects.toThrow(
      /too little free space; it needs [\d.]+ KiB and 1000 B are free; the checkpoint of step 1 .* is intact/,
    );
    await expect(writing).rejects.toThrow(UserError);
    expect(fs.readdirSync(root).sort()).toEqual(['step-000001']);
  });

  where(
    it,
    posix,
    notRoot,
  )('names a missing permission', async () => {
    const root = tempDir();
    fs.chmodSync(root, 0o500);
    await expect(writeCheckpoint(root, 2, contentOf(2))).rejects.toThrow(/no permission \(EACCES\)/);
  });

  it('names a file that is in the way of the folder', async () => {
    const root = path.join(tempDir(), 'taken');
    fs.writeFileSync(root, '');
    await expect(writeCheckpoint(root, 2, contentOf(2))).rejects.toThrow(UserError);
  });
});
