import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openStore } from '../../electron/studio/store/store.ts';
import { runHere } from './run.ts';
import { oneLineOf, outcome, remains, workplace } from './workplace.ts';

const small = { '--steps': 20, '--keep-last': 3, '--eval-every': 5, '--sample-every': 0, '--lr': 3e-4 };

/** A run that is complete, with its checkpoints of the steps 10, 15 and 20. */
async function trained() {
  const place = workplace();
  const { code, stderr } = await runHere(place.train(small));
  if (code !== 0) throw new Error(stderr);
  const left = remains(place.home);
  const file = (step: number, name: string) => path.join(left.root, `step-0000${step}`, name);
  return { ...place, ...left, file, resume: () => runHere(place.command('resume', left.run.id, '--json')) };
}

const cut = (file: string) => fs.truncateSync(file, fs.statSync(file).size >> 1);

function flipByte(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[Math.floor(at * bytes.length)]! ^= 1;
  fs.writeFileSync(file, bytes);
}

const damages: [file: string, how: (file: string, at: number) => void, reason: RegExp][] = [
  ['model.safetensors', cut, /model\.safetensors is truncated/],
  ['model.safetensors', flipByte, /model\.safetensors was altered/],
  ['optimizer.safetensors', (file) => fs.rmSync(file), /optimizer\.safetensors can't be read: it does not exist/],
  ['state.json', cut, /state\.json/],
];

it('damaged checkpoints are refused by name, and the one before them leads to the same bits', async () => {
  const { home, root, file, resume } = await trained();
  const expected = outcome(remains(home));
  const where = fc.sample(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), damages.length);
  for (const [i, [name, damage, reason]] of damages.entries()) {
    damage(file(20, name), where[i]!);
    const { code, stderr } = await resume();
    const [refused, onward, ...more] = stderr.trimEnd().split('\n');
    expect(refused).toContain(path.join(root, 'step-000020'));
    expect(refused).toMatch(reason);
    expect(onward).toMatch(/resuming from the one before: step 15/);
    expect(more).toEqual([]);
    expect(code).toBe(0);
    expect(outcome(remains(home)), `${name} damaged at ${where[i]}`).toEqual(expected);
  }
  cut(file(20, 'model.safetensors'));
  fs.rmSync(file(15, 'state.json'));
  const { code, stderr } = await resume();
  expect(stderr).toMatch(/^refused .*step-000020.*\nrefused .*step-000015.*\n.*: step 10\n$/);
  expect(code).toBe(0);
  expect(outcome(remains(home))).toEqual(expected);
});

it('where no checkpoint is whole nothing is trained and nothing is lost', async () => {
  const { home, command, run, file, resume } = await trained();
  const before = remains(home);
  const files = [10, 15, 20].map((step) => file(step, 'model.safetensors'));
  for (const each of files) flipByte(each, 0.5);
  for (const again of [1, 2]) {
    const refused = await resume();
    expect(refused.code, `attempt ${again}`).toBe(1);
    expect(refused.stdout).toBe('');
    const line = oneLineOf(refused.stderr);
    for (const each of files) expect(line).toContain(each);
    expect(remains(home)).toEqual(before);
  }
  const generated = await runHere(command('generate', run.id));
  expect(generated.code).toBe(1);
  oneLineOf(generated.stderr);

  flipByte(files[0]!, 0.5);
  const mended = await resume();
  expect(mended.code).toBe(0);
  expect(outcome(remains(home))).toEqual(outcome(before));
});

it('checkpoints that are gone are missed: the run does not begin anew over what is recorded', async () => {
  const { home, root, resume } = await trained();
  const before = remains(home);
  fs.renameSync(root, `${root}.away`);
  const refused = await resume();
  expect(refused.code).toBe(1);
  expect(oneLineOf(refused.stderr)).toMatch(/are missing from .*checkpoints.*step 20/);
  expect(remains(home)).toEqual({ ...before, folders: [] });
  fs.renameSync(`${root}.away`, root);
  expect(oneLineOf((await resume()).stderr)).toMatch(/already finished/);
  expect(remains(home)).toEqual(before);
});

it('what a killed process could not tell of its last moments is found out by the next resume', async () => {
  const { home, root, run, resume } = await trained();
  const before = remains(home);
  fs.rmSync(path.join(root, 'step-000010'), { recursive: true });
  const store = openStore(home);
  store.runs.setState(run.id, 'interrupted', 'process 1 is gone');
  store.checkpoints.remove(run.id, 20);
  store.close();
  const resumed = await resume();
  expect(resumed.code).toBe(1);
  expect(oneLineOf(resumed.stderr)).toMatch(/is already finished \(step 20\)/);
  const after = remains(home);
  expect(after.run.state).toBe('completed');
  const known = ({ checkpoints }: typeof after) => checkpoints.map((c) => [c.step, c.path, c.bytes, c.best]);
  expect(known(after)).toEqual(known(before).slice(1));
});

it('remains of a checkpoint that was being written are removed, and are no checkpoint', async () => {
  const { home, root, resume } = await trained();
  const expected = outcome(remains(home));
  fs.renameSync(path.join(root, 'step-000020'), path.join(root, '.step-000020.0badcafe.partial'));
  expect((await resume()).code).toBe(0);
  expect(remains(home).folders).toEqual(['step-000010', 'step-000015', 'step-000020']);
  expect(outcome(remains(home))).toEqual(expected);
});
