import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  CheckpointError,
  cleanPartials,
  freeBytes,
  latestValid,
  listCheckpoints,
  openCheckpoint,
  openChosen,
  prune,
  setKept,
  writeCheckpoint,
} from '../../../electron/engine/checkpoint/index.ts';
import { tempDir } from '../../temp.ts';
import { contentOf, fileIn, flipByte, writeSteps } from './content.ts';

const steps = async (root: string) => (await listCheckpoints(root)).map((c) => c.step);

describe('a checkpoint', () => {
  it('gives back tensors and state to the bit', async () => {
    const root = path.join(tempDir(), 'a', 'checkpoints');
    const written = await writeCheckpoint(root, 500, contentOf(7));
    expect(written.dir).toBe(path.join(root, 'step-000500'));
    expect(fs.readdirSync(written.dir).sort()).toEqual(['model.safetensors', 'optimizer.safetensors', 'state.json']);
    const opened = await openCheckpoint(written.dir);
    expect(opened).toMatchObject({ step: 500, bytes: written.bytes, state: contentOf(7).state });
    expect(await opened.model('ln_f.bias')).toEqual(Float32Array.of(7, 0.5));
    expect(await opened.optimizer('m/wte.weight')).toEqual(new Float32Array(300).fill(-7));
    expect(await opened.raw('optimizer', 'codes')).toEqual(Uint8Array.of(7, 1, 2, 3));
    expect(opened.headers.optimizer.tensors.get('codes')?.shape).toEqual([2, 2]);
    await expect(opened.model('nope')).rejects.toThrow(/model.safetensors has no tensor "nope"/);
  });

  it('refuses a state that JSON would change', async () => {
    const root = tempDir();
    for (const loss of [Number.NaN, -0, Infinity]) {
      await expect(writeCheckpoint(root, 1, { ...contentOf(1), state: { loss } })).rejects.toThrow(/can't hold/);
    }
    expect(fs.readdirSync(root).sort()).toEqual([]);
  });

  it('keeps the event loop free while a large one is written and opened', async () => {
    const root = tempDir();
    const data = new Uint8Array(64 * 2 ** 20);
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await writeCheckpoint(root, 1, {
      model: [{ name: 'big', dtype: 'U8', shape: [data.length], data: () => data }],
      optimizer: [],
      state: {},
    });
    const duringWrite = turns;
    await openCheckpoint(path.join(root, 'step-000001'));
    clearInterval(timer);
    expect(duringWrite).toBeGreaterThan(3);
    expect(turns - duringWrite).toBeGreaterThan(3);
  });
});

describe('opening refuses by name', () => {
  const damage: [what: string, file: string, hurt: (file: string) => void, reason: RegExp][] = [
    ['a truncated model', 'model.safetensors', (f) => fs.truncateSync(f, 100), /is truncated: it has 100 bytes/],
    ['a longer optimizer', 'optimizer.safetensors', (f) => fs.appendFileSync(f, 'x'), /longer than it was written/],
    ['an altered model', 'model.safetensors', (f) => flipByte(f, fs.statSync(f).size - 1), /was altered .* sha256/],
    ['a missing optimizer', 'optimizer.safetensors', (f) => fs.rmSync(f), /can't be read: it does not exist/],
    ['a truncated state', 'state.json', (f) => fs.truncateSync(f, 100), /not valid JSON \(truncated or altered\)/],
    [
      'an edited state',
      'state.json',
      (f) => fs.writeFileSync(f, fs.readFileSync(f, 'utf8').replace('"step": 3', '"step": 4')),
      /was altered .* does not match its checksum/,
    ],
    ['a state without a checksum', 'state.json', (f) => fs.writeFileSync(f, '{}'), /has no checksum/],
    ['a missing state', 'state.json', (f) => fs.rmSync(f), /can't be read: it does not exist/],
  ];

  it.each(damage)('%s, and the checkpoint before it is offered', async (_what, file, hurt, reason) => {
    const root = tempDir();
    await writeSteps(root, 2, 3);
    hurt(fileIn(root, 3, file));
    const dir = path.join(root, 'step-000003');
    const error = await openCheckpoint(dir).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toContain(path.join(dir, file));
    const { checkpoint, refused } = await latestValid(root);
    expect(checkpoint?.step).toBe(2);
    expect(refused).toEqual([{ dir, step: 3, reason: (error as Error).message }]);
  });

  it('any flipped bit of any file', async () => {
    const root = tempDir();
    await writeSteps(root, 3);
    const dir = path.join(root, 'step-000003');
    for (const file of fs.readdirSync(dir)) {
      const size = fs.statSync(path.join(dir, file)).size;
      for (let at = 0; at < size; at += Math.ceil(size / 37)) {
        // White space between the fields of state.json is no content.
        if (file === 'state.json' && /\s/.test(String.fromCharCode(fs.readFileSync(path.join(dir, file))[at]!)))
          continue;
        flipByte(path.join(dir, file), at);
        await expect(openCheckpoint(dir), `${file} at ${at}`).rejects.toThrow(CheckpointError);
        flipByte(path.join(dir, file), at);
      }
    }
    await openCheckpoint(dir);
  });

  it('one that was chosen, with another to choose that is whole', async () => {
    const root = tempDir();
    await writeSteps(root, 3, 6, 9);
    const dirOf = (step: number) => path.join(root, `step-00000${step}`);
    expect((await openChosen(dirOf(6))).step).toBe(6);
    for (const step of [6, 9]) fs.truncateSync(path.join(dirOf(step), 'state.json'), 20);
    await expect(openChosen(dirOf(9))).rejects.toThrow(/damaged.*; choose another .* such as that of step 3$/);
    fs.rmSync(dirOf(3), { recursive: true });
    await expect(openChosen(dirOf(9))).rejects.toThrow(/; the run has no other checkpoint that is whole$/);
  });

  it('a folder under the name of another step', async () => {
    const root = tempDir();
    await writeSteps(root, 3);
    fs.renameSync(path.join(root, 'step-000003'), path.join(root, 'step-000009'));
    await expect(openCheckpoint(path.join(root, 'step-000009'))).rejects.toThrow(/holds the checkpoint of step 3/);
    fs.renameSync(path.join(root, 'step-000009'), path.join(root, 'my favorite'));
    expect((await openCheckpoint(path.join(root, 'my favorite'))).step).toBe(3);
  });

  it('a format of the future, with what to do', async () => {
    const root = tempDir();
    await writeSteps(root, 3);
    const file = fileIn(root, 3, 'state.json');
    const { createHash } = await import('node:crypto');
    const sorted = (v: unknown): unknown =>
      typeof v === 'object' && v !== null && !Array.isArray(v)
        ? Object.fromEntries(
            Object.entries(v)
              .sort(([a], [b]) => (a < b ? -1 : 1))
              .map(([k, x]) => [k, sorted(x)]),
          )
        : v;
    const { sha256: _, ...content } = { ...JSON.parse(fs.readFileSync(file, 'utf8')), format: 2 };
    const sha256 = createHash('sha256')
      .update(JSON.stringify(sorted(content)))
      .digest('hex');
    fs.writeFileSync(file, JSON.stringify({ ...content, sha256 }));
    await expect(openCheckpoint(path.dirname(file))).rejects.toThrow(/has format 2 .* update Trainyard/);
  });

  it('but a quick look trusts the tensors', async () => {
    const root = tempDir();
    await writeSteps(root, 3);
    const file = fileIn(root, 3, 'model.safetensors');
    flipByte(file, fs.statSync(file).size - 1);
    expect((await openCheckpoint(path.dirname(file), { quick: true })).step).toBe(3);
    fs.truncateSync(file, 50);
    await expect(openCheckpoint(path.dirname(file), { quick: true })).rejects.toThrow(/truncated/);
  });
});

describe('listing', () => {
  it('sorts by step and leaves out what is no checkpoint', async () => {
    const root = tempDir();
    await writeSteps(root, 1_000_000, 20, 3);
    for (const name of ['.step-000030.ab12.partial', 'step-40', 'step-0000050', 'notes', '.step-000003.ab.replaced']) {
      fs.mkdirSync(path.join(root, name));
    }
    expect(await steps(root)).toEqual([3, 20, 1_000_000]);
    expect((await cleanPartials(root)).sort()).toEqual(['.step-000003.ab.replaced', '.step-000030.ab12.partial']);
    expect(fs.readdirSync(root).sort()).toContain('notes');
    expect(await steps(path.join(root, 'missing'))).toEqual([]);
    expect(await latestValid(path.join(root, 'missing'))).toEqual({ checkpoint: null, refused: [] });
  });
});

describe('pruning', () => {
  it('keeps the last ones and the chosen ones', async () => {
    const root = tempDir();
    await writeSteps(root, 1, 2, 3, 4, 5);
    expect(await prune(root, { keepLast: 2, keep: new Set([2]) })).toEqual([1, 3]);
    expect(fs.readdirSync(root).sort()).toEqual(['step-000002', 'step-000004', 'step-000005']);
    expect(await prune(root, { keepLast: 2, keep: new Set([2]) })).toEqual([]);
    expect(await prune(root, { keepLast: 0, keep: new Set() })).toEqual([2, 4]);
    expect(await steps(root)).toEqual([5]);
  });

  it('keeps what its user keeps, until that is taken back', async () => {
    const root = tempDir();
    await writeSteps(root, 1, 2, 3, 4);
    const dir = path.join(root, 'step-000002');
    await setKept(dir, true);
    expect(await prune(root, { keepLast: 1, keep: new Set() })).toEqual([1, 3]);
    expect((await openCheckpoint(dir)).step).toBe(2);
    await setKept(dir, false);
    expect(await prune(root, { keepLast: 1, keep: new Set() })).toEqual([2]);
    await expect(setKept(dir, true)).rejects.toThrow(/can't be kept/);
  });

  it('does not count a truncated one as kept', async () => {
    const root = tempDir();
    await writeSteps(root, 1, 2, 3);
    fs.truncateSync(fileIn(root, 3, 'model.safetensors'), 9);
    expect(await prune(root, { keepLast: 1, keep: new Set() })).toEqual([1]);
    expect(await steps(root)).toEqual([2, 3]);
  });

  it('never removes the only whole one, though later ones look whole', async () => {
    const root = tempDir();
    await writeSteps(root, 1, 2, 3);
    for (const step of [2, 3]) {
      const file = fileIn(root, step, 'model.safetensors');
      flipByte(file, fs.statSync(file).size - 1);
    }
    expect(await prune(root, { keepLast: 1, keep: new Set([2]) })).toEqual([]);
    expect((await latestValid(root)).checkpoint?.step).toBe(1);
  });

  it('removes nothing where none is whole', async () => {
    const root = tempDir();
    await writeSteps(root, 1, 2);
    for (const step of [1, 2]) fs.rmSync(fileIn(root, step, 'state.json'));
    expect(await prune(root, { keepLast: 1, keep: new Set() })).toEqual([]);
    expect(await steps(root)).toEqual([1, 2]);
  });
});

it('knows the free space of a folder, of one that is yet to be made too', async () => {
  const dir = tempDir();
  const free = await freeBytes(path.join(dir, 'a', 'b'));
  expect(free).toBeGreaterThan(0);
});
