import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { type CliResult, runCli } from './run.ts';
import { remains, startUntil, workplace } from './workplace.ts';
import { killTree } from './processes.ts';
import { lack, where } from '../frame/needs.ts';

const tiny = { '--layers': 1, '--width': 8, '--steps': 6, '--checkpoint-every': 2, '--keep-last': 5, '--eval-every': 0, '--sample-tokens': 0 }; // prettier-ignore

const oneLine = ({ stderr }: CliResult): string => {
  expect(stderr.trimEnd()).not.toContain('\n');
  return stderr;
};

it('a moved home works as before, and a copy has nothing to do with the original', async () => {
  const { home, train } = workplace();
  expect((await runCli(train(tiny))).code).toBe(0);
  const { run } = remains(home);
  const moved = path.join(tempDir(), 'mö ved');
  fs.cpSync(home, moved, { recursive: true });
  fs.renameSync(home, `${home}-away`);
  const cli = (...args: string[]) => runCli(['--home', `${moved}${path.sep}`, ...args]);
  const shown = await cli('show', run.id, '--json');
  const { checkpoints } = JSON.parse(shown.stdout) as { checkpoints: { path: string }[] };
  expect(checkpoints).toHaveLength(3);
  for (const each of checkpoints) expect(fs.existsSync(path.join(each.path, 'state.json')), each.path).toBe(true);
  expect(checkpoints[0]!.path.startsWith(`${moved}${path.sep}`)).toBe(true);
  for (const args of [
    ['generate', `${run.id}@4`, '--tokens', '2'],
    ['eval', 'loss', `${run.id}@2`, '--sequences', '2'],
    ['export', run.id, path.join(moved, 'exported')],
    ['continue', run.id, '--phase', 'constant:2:1e-3'],
  ])
    expect(await cli(...args), args.join(' ')).toMatchObject({ code: 0 });
  expect((await runCli(['--home', `${home}-away`, 'generate', run.id, '--tokens', '1'])).code).toBe(0);
});

it('a run whose database is destroyed while it trains is resumed from its checkpoints, and its checkpoints are imported', async () => {
  const { home, train, command } = workplace();
  const running = await startUntil(train({ '--steps': 100_000, '--checkpoint-every': 20, '--eval-every': 0 }), 45);
  await killTree(running.child.pid!);
  for (const name of fs.readdirSync(home).filter((n) => n.startsWith('trainyard.db'))) fs.rmSync(path.join(home, name));
  fs.writeFileSync(path.join(home, 'trainyard.db'), Buffer.alloc(8192));
  const listed = await runCli(command('runs', '--json'));
  expect(oneLine(listed)).toMatch(/was damaged: 1 run recovered/);
  const run = JSON.parse(listed.stdout) as { id: string; step: number; state: string };
  expect(run.state).toBe('interrupted');
  expect(run.step).toBeGreaterThanOrEqual(40);
  const root = path.join(home, 'runs', run.id, 'checkpoints');
  const imported = await runCli(
    command(
      'import',
      path.join(
        root,
        fs.readdirSync(root).find((n) => n.startsWith('step-'))!,
      ),
    ),
  );
  expect(imported).toMatchObject({ code: 0, stderr: '' });
  const resumed = await startUntil(command('resume', run.id, '--json'), run.step + 5);
  resumed.child.kill('SIGINT');
  expect((await resumed.result).code).toBe(0);
  expect(oneLine(await runCli(command('runs', '--recover')))).toMatch(/sound/);
});

const canMount =
  process.platform === 'linux' &&
  process.getuid?.() === 0 &&
  (() => {
    try {
      execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  })();

where(it, [canMount, lack.mount])('a home on a read-only disk is read, and not written', async () => {
  const { home, train } = workplace();
  expect((await runCli(train(tiny))).code).toBe(0);
  const { run } = remains(home);
  const out = tempDir();
  const mount = `mount --bind '${home}' '${home}' && mount -o remount,ro,bind '${home}' && exec "$0" "$@"`;
  const cli = (...args: string[]) => runCli(['--home', home, ...args], {}, ['unshare', '-m', 'bash', '-c', mount]);
  const dataset = fs.readdirSync(path.join(home, 'datasets')).find((name) => !name.startsWith('.'))!;
  for (const args of [
    ['runs'],
    ['show', run.id],
    ['export', `${run.id}@4`, path.join(out, 'exported')],
    ['generate', run.id, '--tokens', '2'],
    ['eval', 'table'],
    ['data', 'list'],
    ['data', 'show', dataset],
    ['data', 'verify', dataset],
    ['fit', '--preset', 'gpt2', '--memory', '4000'],
  ])
    expect(await cli(...args), args.join(' ')).toMatchObject({ code: 0, stderr: '' });
  const evaluated = await cli('eval', 'loss', `${run.id}@4`, '--sequences', '2');
  expect(evaluated).toMatchObject({ code: 0, stdout: expect.stringContaining('validation loss') as string });
  expect(oneLine(evaluated)).toMatch(/^not stored: the data folder .* can't be written/);
  for (const args of [
    ['resume', run.id],
    ['runs', '--recover'],
    ['data', 'remove', dataset],
  ]) {
    const refused = await cli(...args);
    expect(refused.code).toBe(1);
    expect(oneLine(refused)).toMatch(/can't be written: the file system is read-only/);
  }
});
