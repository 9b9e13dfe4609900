import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { format } from 'node:util';
import { onTestFinished, vi } from 'vitest';
import { main } from '../../electron/cli/main.ts';

const cli = path.resolve(import.meta.dirname, '../../electron/cli.ts');

export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly child: ChildProcess;
  readonly result: Promise<CliResult>;
  /** Every complete line of standard output so far. */
  lines(): string[];
}

/** Starts the command line in a process of its own. @param via a command that runs the command which follows it */
export function startCli(
  args: readonly string[],
  env: Record<string, string> = {},
  via: readonly string[] = [],
): RunningCli {
  const [program, ...rest] = [...via, process.execPath, cli, ...args];
  const child = spawn(program!, rest, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // One that hangs does not outlive its test; its engine ends with it.
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout!.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr!.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const result = new Promise<CliResult>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, result, lines: () => stdout.split('\n').slice(0, -1) };
}

/** Runs the command line to its end. */
export const runCli = (
  args: readonly string[],
  env: Record<string, string> = {},
  via: readonly string[] = [],
): Promise<CliResult> => startCli(args, env, via).result;

/**
 * Runs the command line to its end in this process, at a hundredth of the cost of another one: for what is refused before anything
 * begins. What a process makes of signals, pipes and defects is shown by `runCli`.
 */
export async function runHere(args: readonly string[]): Promise<CliResult> {
  const written = { stdout: '', stderr: '' };
  const write = (to: keyof typeof written) => (text: string | Uint8Array) => {
    written[to] += typeof text === 'string' ? text : Buffer.from(text).toString();
    return true;
  };
  const say =
    (to: keyof typeof written) =>
    (...parts: unknown[]) =>
      void write(to)(`${format(...parts)}\n`);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(say('stdout')),
    vi.spyOn(console, 'error').mockImplementation(say('stderr')),
    vi.spyOn(process.stdout, 'write').mockImplementation(write('stdout')),
    vi.spyOn(process.stderr, 'write').mockImplementation(write('stderr')),
  ];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    const code = await main(args);
    return { code, signal: null, ...written };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}

/** The JSON objects of `--json` output. */
export const jsonLines = (stdout: string): Record<string, unknown>[] =>
  stdout
    .split('\n')
    .filter((l) => l.startsWith('{'))
    .map((l) => JSON.parse(l));
