import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { claimDataset } from '../../electron/data/dataset/claim.ts';
import { starters } from '../../electron/cli/starters.ts';
import { childrenOf, gone, hasPs, isRunning } from './processes.ts';
import { tempDir } from '../temp.ts';
import { startCli } from './run.ts';
import { remains, until, workplace } from './workplace.ts';
import { lack, where } from '../frame/needs.ts';

const root = path.resolve(import.meta.dirname, '../..');
const long = {
  '--steps': 200_000,
  '--sample-tokens': 0,
  '--tokens-per-step': 6400,
  '--checkpoint-every': 100_000,
  '--eval-every': 100_000,
};

interface Chain {
  readonly child: ChildProcess;
  /** From the one that was started to the engine. */
  readonly pids: number[];
  readonly code: Promise<number | null>;
}

/** Starts a command that starts others in a row, and waits until the last of them trains. */
async function startChain(command: string, args: string[], length: number, env = {}): Promise<Chain> {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids: number[] = [child.pid!];
  onTestFinished(() => {
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  const code = new Promise<number | null>((resolve) => child.on('exit', resolve));
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  await until(() => /"type":"metrics","step":[3-9]/.test(out));
  for (let pid: number | undefined = child.pid; (pid = childrenOf(pid!)[0]) !== undefined;) pids.push(pid);
  expect(pids).toHaveLength(length);
  return { child, pids, code };
}

const npm = (args: string[]): Promise<Chain> => startChain('npm', ['run', '--silent', 'trainyard', '--', ...args], 4);

/** bin.mjs on a Node that is too old for the sources. */
const oldNode =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.1.0"}})';
const bin = (args: string[]): Promise<Chain> =>
  startChain(process.execPath, ['--import', oldNode, path.join(root, 'electron/bin.mjs'), ...args], 3);

/** Every process of the chain ends, and the run is saved where it was. */
async function savedAndPaused(home: string, { pids }: Chain): Promise<void> {
  await Promise.all(pids.map(gone));
  const { run, folders } = remains(home);
  expect(run).toMatchObject({ state: 'paused', pid: null });
  expect(run.step).toBeGreaterThanOrEqual(3);
  expect(folders).toEqual([`step-${String(run.step).padStart(6, '0')}`]);
}

where(describe, [hasPs, lack.ps])('a signal', () => {
  it.each([
    ['npm', 0, 'SIGTERM'],
    ['npm', 0, 'SIGKILL'],
    ["npm's shell", 1, 'SIGTERM'],
    ["npm's shell", 1, 'SIGHUP'],
    ['the command', 2, 'SIGHUP'],
    ['the engine', 3, 'SIGINT'],
    ['the engine', 3, 'SIGHUP'],
    ['the engine', 3, 'SIGTERM'],
  ] as const)('to %s saves and pauses the run (process %i of the chain, %s)', async (_, which, signal) => {
    const { home, train } = workplace();
    const chain = await npm(train(long));
    process.kill(chain.pids[which]!, signal);
    await savedAndPaused(home, chain);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('%s to bin.mjs on an old Node', async (signal) => {
    const { home, train } = workplace();
    const chain = await bin(train(long));
    process.kill(chain.pids[0]!, signal);
    await savedAndPaused(home, chain);
    if (signal !== 'SIGKILL') expect(await chain.code).toBe(0);
  });

  it('to a program that only the command itself started is not watched for: the shell of a user may end', async () => {
    const { home, train } = workplace();
    // As `trainyard train … &` in a terminal that is closed without a hang-up.
    const shell = spawn('sh', ['-c', '"$@" >/dev/null 2>&1 & echo $!; exec sleep 100', 'sh', process.execPath, path.join(root, 'electron/cli.ts'), ...train(long)], { stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
    const pid = await new Promise<number>((resolve) => shell.stdout.once('data', (text) => resolve(Number(text))));
    onTestFinished(() => void (isRunning(pid) && process.kill(pid, 'SIGKILL')));
    await until(() => {
      try {
        return remains(home).run.step > 3;
      } catch {
        return false;
      }
    });
    shell.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(isRunning(pid)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await gone(pid);
    expect(remains(home).run.state).toBe('paused');
  });

  it('while text is prepared leaves no claim behind, and what can be resumed', async () => {
    const { home, train, text } = workplace();
    fs.writeFileSync(text, 'some words that are read for a while\n'.repeat(2_000_000));
    const making = startCli(train());
    const datasets = path.join(home, 'datasets');
    await until(() => fs.existsSync(datasets) && fs.readdirSync(datasets).some((f) => f.endsWith('.corpus')));
    making.child.kill('SIGTERM');
    const { code, stderr } = await making.result;
    expect([code, stderr.trimEnd().split('\n').at(-1)]).toEqual([
      143,
      expect.stringMatching(/^stopped, progress saved: run the same command/),
    ]);
    expect(fs.readdirSync(datasets).filter((f) => !f.endsWith('.corpus'))).toEqual([]);
  });
});

describe('serve and data add', () => {
  it('say that they save something only where something trains', async () => {
    const { child, result, lines } = startCli(['--home', tempDir(), 'serve', '--port', '0']);
    await until(() => lines().some((line) => line.includes('http://')));
    child.kill('SIGTERM');
    const { code, stderr } = await result;
    expect([code, stderr.trim()]).toEqual([0, 'stopped']);
  });

  it('say plainly that another process makes the dataset that is waited for', async () => {
    const home = tempDir();
    const file = path.join(tempDir(), 'story.txt');
    fs.writeFileSync(file, 'once upon a time. '.repeat(500));
    const { release } = claimDataset(home, 'story');
    const adding = startCli(['--home', home, 'data', 'add', file, '--tokenizer', 'bytes', '--name', 'story']);
    let reported = '';
    adding.child.stderr!.on('data', (chunk: Buffer) => (reported += chunk.toString()));
    await until(() => reported.includes('\n'));
    release();
    const { code, stderr } = await adding.result;
    expect(code).toBe(0);
    expect(stderr.split('\n')[0]).toBe(
      `this dataset is already being tokenized by process ${process.pid} on this machine: waiting for it`,
    );
  });
});

describe('the programs that a command was started by', () => {
  it('are none where the user’s shell or another program has started it', () => {
    expect(starters({}, process.pid)).toEqual({ pids: [], hasEnded: false });
    expect(starters({ npm_execpath: '/usr/bin/npm' }, process.pid)).toEqual({ pids: [], hasEnded: false });
  });

  it('begin with bin.mjs, where that says so', () => {
    const env = { TRAINYARD_STARTER: String(process.pid) };
    expect(starters(env, process.pid)).toEqual({ pids: [process.pid], hasEnded: false });
  });

  it('have ended where something else is the parent by now', () => {
    expect(starters({ TRAINYARD_STARTER: '4711' }, process.pid)).toEqual({ pids: [], hasEnded: true });
    const npm = { npm_execpath: '/usr/bin/npm' };
    const orphan = (script: string) => starters({ ...npm, npm_lifecycle_script: script }, 1).hasEnded;
    if (process.platform !== 'linux') return;
    expect(orphan("'trainyard'")).toBe(true);
    expect(orphan('node electron/cli.ts')).toBe(true);
    // Whatever else a package manager has started may start this and go on.
    expect(orphan('bash')).toBe(false);
    expect(orphan('trainyard train --text a.txt &')).toBe(false);
    expect(orphan('make data 2>&1 && trainyard train')).toBe(true);
  });
});
