import { execFileSync } from 'node:child_process';
import fs from 'node:fs';

/** The children of a process, as the operating system tells it. */
export function childrenOf(pid: number): number[] {
  try {
    // Much quicker, where the kernel has it.
    return fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return fromPs(pid);
  }
}

function fromPs(pid: number): number[] {
  try {
    return execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
      .filter(([, parent]) => parent === pid)
      .map(([child]) => child)
      .filter((child) => isRunning(child));
  } catch {
    return [];
  }
}

/** Where `ps` is missing (or this is Windows), tests that look for a process can't be run. */
export const hasPs = process.platform !== 'win32' && childrenOf(process.ppid).includes(process.pid);

/**
 * Halts a studio's process and finds the engine that it started, which then gets no further than its next checkpoint:
 * a run can't come to its end while a test looks. SIGCONT lets the studio go on.
 */
export function halt(studio: number): number {
  process.kill(studio, 'SIGSTOP');
  const [engine, ...others] = childrenOf(studio);
  if (engine === undefined || others.length > 0) throw new Error(`${others.length + 1} engines, or none any more`);
  return engine;
}

/** Whether a process runs; one that is dead and waits for its parent does not. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^\d+ \(.*\) Z/s.test(fs.readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

/** Waits until a process is gone. */
export async function gone(pid: number): Promise<void> {
  while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Kills a process and its children at once, as a power cut would. */
export async function killTree(pid: number): Promise<void> {
  const pids = [pid, ...childrenOf(pid)];
  for (const each of pids) {
    try {
      process.kill(each, 'SIGKILL');
    } catch {
      // It had just ended.
    }
  }
  await Promise.all(pids.map(gone));
}
