import fs from 'node:fs';
import os from 'node:os';

/** The process that trains a run, told apart from later ones that get its number again. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** The machine's boot; null where the platform doesn't tell. */
  readonly bootId: string | null;
  /** When the process started, in the kernel's own count; null where the platform doesn't tell. */
  readonly processStart: string | null;
}

/** How often an owner says that it lives. */
export const heartbeatEveryMs = 10_000;
/** Silence after which an owner that can't be examined counts as gone: long enough for a machine that slept. */
const silenceMs = 5 * 60_000;

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

const bootId = (): string | null => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? null;

/** Field 22 of /proc/PID/stat (proc(5)); the second field, the name, may hold spaces and brackets. */
const processStart = (pid: number): string | null => {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
};

/** Looked up once: a laptop that changes its network may change its name, and stays the owner of what it trains. */
const here: Owner = {
  pid: process.pid,
  host: os.hostname(),
  bootId: bootId(),
  processStart: processStart(process.pid),
};

export const thisProcess = (): Owner => here;

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the owner still lives. @param heartbeat when it last said so, in milliseconds since 1970 */
export function isAlive(owner: Owner, heartbeat: number, now: number = Date.now()): boolean {
  const recent = now - heartbeat < silenceMs;
  const boot = bootId();
  const sameBoot = owner.bootId !== null && owner.bootId === boot;
  // The process of another machine can't be looked at: its word has to do. A machine's name may change, its boot can't.
  if (owner.host !== os.hostname() && !sameBoot) return recent;
  if (owner.bootId !== null && boot !== null && !sameBoot) return false;
  if (!isRunning(owner.pid)) return false;
  const start = processStart(owner.pid);
  if (owner.processStart !== null && start !== null) return owner.processStart === start;
  return recent;
}
