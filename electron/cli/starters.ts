import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { isRunning, startOf } from '../base/owner.ts';

const lookEveryMs = 500;

/** Programs that start others by a shell, and of which some end at a signal without passing it on. */
const packageManagers = new Set([
  'npm',
  'npx',
  'npm-cli.js',
  'npx-cli.js',
  'pnpm',
  'pnpm.cjs',
  'yarn',
  'yarn.js',
  'bun',
]);

/** The parent of a process and its command, word by word; undefined where the platform doesn't tell. */
function lookAt(pid: number): { readonly parent: number; readonly words: readonly string[] } | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { parent, words: fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split(/[\0 ]/) };
  } catch {
    if (process.platform === 'linux' || process.platform === 'win32') return undefined;
  }
  try {
    const [parent, ...words] = execFileSync('ps', ['-o', 'ppid=,args=', '-p', String(pid)], { encoding: 'utf8' })
      .trim()
      .split(/\s+/);
    return { parent: Number(parent), words };
  } catch {
    return undefined;
  }
}

const isPackageManager = (words: readonly string[]): boolean =>
  words.slice(0, 2).some((word) => packageManagers.has(path.basename(word)));

/** Whether a shell's script starts something and goes on: that is meant to outlive it. */
const leavesBehind = (script: string): boolean => script.replaceAll(/&&|\d*[<>]&[\d-]?|&>/g, '').includes('&');

/** Takes over processes whose parent has ended. */
const reapers = new Set(['systemd', 'init', 'launchd', 'tini', 'dumb-init', 'docker-init']);

export interface Starters {
  readonly pids: readonly number[];
  /** One of them has ended already, before this process could look. */
  readonly hasEnded: boolean;
}

/**
 * The processes that were started for this command alone: bin.mjs, a package manager, and the shell between them. Whoever
 * ends one of them means this command. The user's own shell is none of them: what it starts may outlive it.
 */
export function starters(env: NodeJS.ProcessEnv = process.env, parent: number = process.ppid): Starters {
  const found: number[] = [];
  let pid = parent;
  if (env.TRAINYARD_STARTER !== undefined) {
    if (env.TRAINYARD_STARTER !== String(pid)) return { pids: [], hasEnded: true };
    found.push(pid);
    pid = lookAt(pid)?.parent ?? 0;
  }
  const { npm_lifecycle_script: script = '' } = env;
  if (env.npm_execpath === undefined || leavesBehind(script)) return { pids: found, hasEnded: false };
  const between: number[] = [];
  while (between.length < 3) {
    const seen = lookAt(pid);
    if (seen && isPackageManager(seen.words)) return { pids: [...found, ...between, pid], hasEnded: false };
    const isReaped = pid === 1 || (seen !== undefined && reapers.has(path.basename(seen.words[0]!)));
    // A package manager that runs this very command, and is no more.
    if (isReaped) return { pids: found, hasEnded: startsThis.test(script) };
    // `sh -c …` was started for one command; a shell that somebody types into may have others.
    if (!seen?.words.includes('-c') || leavesBehind(seen.words.join(' '))) break;
    between.push(pid);
    pid = seen.parent;
  }
  return { pids: found, hasEnded: false };
}

/** What a package manager's script says that runs this command. */
const startsThis = /(^|[\s'"/\\])(trainyard|electron[/\\](cli\.ts|bin\.mjs))(['"\s]|$)/;

/** Those of this process, looked up before one of them may have ended. */
const own = starters();
// Of this process alone: not of what it starts.
delete process.env.TRAINYARD_STARTER;

/** Calls back once a starter of this process has ended. @returns a function that ends the watch */
export const whenStarterEnds = (listener: () => void): (() => void) =>
  whenOneEnds(own.hasEnded ? [...own.pids, 0] : own.pids, listener);

/** Calls back once one of some processes has ended. @returns a function that ends the watch */
export function whenOneEnds(pids: readonly number[], listener: () => void): () => void {
  if (pids.length === 0) return () => {};
  const starts = pids.map((pid) => startOf(pid));
  const timer = setInterval(() => {
    if (pids.every((pid, i) => isRunning(pid) && startOf(pid) === starts[i])) return;
    clearInterval(timer);
    listener();
  }, lookEveryMs).unref();
  return () => clearInterval(timer);
}
