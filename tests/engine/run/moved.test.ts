import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { createCpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { openCheckpoint } from '../../../electron/engine/checkpoint/index.ts';
import { lack, linux, where } from '../../frame/needs.ts';
import { tempDir } from '../../temp.ts';
import { hasCpu } from '../devices.ts';
import { faulty } from './faulty.ts';
import { smallRun, train } from './harness.ts';

const config = smallRun({ checkpoints: { every: 2 } });

/** Trains, and does something with the folder of checkpoints behind step 3. */
async function trainedWhile(root: string, change: () => void): Promise<string> {
  const onStep = (_: unknown, step: number) => {
    if (step === 3) change();
  };
  return train(createCpuDevice(), root, config, { onStep }).then(
    () => 'no error',
    (error: Error) => error.message,
  );
}

where(
  it,
  [hasCpu, lack.cpu],
  linux,
)('a run whose home is moved is saved where it went, and says so', async () => {
  const dir = tempDir();
  const [old, moved] = ['old', 'moved'].map((name) => path.join(dir, name)) as [string, string];
  const root = path.join(old, 'runs', 'r', 'checkpoints');
  const said = await trainedWhile(root, () => fs.renameSync(old, moved));
  expect(said).toBe(
    `${old} was moved to ${moved} while the run trained, which was ended and was saved there at step 4: resume with \`trainyard --home ${moved} resume r\``,
  );
  expect(fs.existsSync(old)).toBe(false);
  const there = fs.readdirSync(path.join(moved, 'runs', 'r', 'checkpoints'));
  expect(there.sort()).toEqual(['step-000002', 'step-000004']);
});

where(
  it,
  [hasCpu, lack.cpu],
  linux,
)('of a run whose folder alone is moved, the way back is told', async () => {
  const dir = tempDir();
  const root = path.join(dir, 'runs', 'r', 'checkpoints');
  const said = await trainedWhile(root, () => fs.renameSync(root, path.join(dir, 'aside')));
  expect(said).toMatch(/was moved to .*aside while the run trained, .* at step 4: move it back/);
  expect(said).toContain(`trainyard import ${path.join(dir, 'aside', 'step-000004')}`);
  expect(fs.existsSync(root)).toBe(false);
});

where(it, [hasCpu, lack.cpu])('what a run has trained is kept when its folder is removed, and said', async () => {
  const root = path.join(tempDir(), 'runs', 'r', 'checkpoints');
  const said = await trainedWhile(root, () => fs.rmSync(path.dirname(root), { recursive: true }));
  const written = path.join(root, 'step-000004');
  expect(said).toMatch(
    /was removed, or moved out of sight, while the run trained, .*step 4 was written to a new folder/,
  );
  expect(said).toContain(`trainyard import ${written}`);
  expect((await openCheckpoint(written)).step).toBe(4);
});

where(
  it,
  [hasCpu, lack.cpu],
  linux,
)('a run that has to go back does not begin anew because its folder is moved', async () => {
  const dir = tempDir();
  const [old, moved] = ['old', 'moved'].map((name) => path.join(dir, name)) as [string, string];
  const root = path.join(old, 'runs', 'r', 'checkpoints');
  const settings = smallRun({ checkpoints: { every: 2 }, guards: { maxSkips: 1 } });
  const device = faulty(createCpuDevice(), (update) => (update === 6 ? 'nan' : undefined));
  const onStep = (_: unknown, step: number) => {
    if (step === 5) fs.renameSync(old, moved);
  };
  await expect(train(device, root, settings, { onStep })).rejects.toThrow(/has its checkpoints there: resume with/);
  expect(fs.existsSync(old)).toBe(false);
});
