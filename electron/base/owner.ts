import fs from 'node:fs';
import os from 'node:os';

/** A process that owns something (a run, a dataset in the making), told apart from later ones that get its number again. */
export interface Owner {
  readonly pid: number;
  readonly host: string;
  /** The machine's boot; null where the platform doesn't tell. Containers of a machine share it. */
  readonly bootId: string | null;
  /** When the process started, in the kernel's own count; null where the platform doesn't tell. */
  readonly processStart: string | null;
  /** The namespace that `pid` counts in: each container has its own. Null where the platform doesn't tell. */
  readonly pidNamespace: string | null;
}

/** How often an owner reports that it is alive. */
export const heartbeatEveryMs = 10_000;
/** Silence after which an owner on another machine counts as dead: long enough for a machine that slept. */
const silenceElsewhereMs = 5 * 60_000;
/** The same for an owner in another container of this machine, which sleeps when this one does. */
const silenceHereMs = 90_000;

function readText(file: string): string | null {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function readLink(file: string): string | null {
  try {
    return fs.readlinkSync(file);
  } catch {
    return null;
  }
}

const bootId = (): string | null => readText('/proc/sys/kernel/random/boot_id')?.trim() ?? null;

/** State and start of a process: fields 3 and 22 of /proc/PID/stat (proc(5)); the second, its name, may hold spaces and brackets. */
function statOf(pid: number): { state: string; start: string } | null {
  const stat = readText(`/proc/${pid}/stat`);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] && fields[19] ? { state: fields[0], start: fields[19] } : null;
}

/** Looked up once: a laptop that changes its network may change its name, and stays the owner of what it trains. */
const here: Owner = {
  pid: process.pid,
  host: os.hostname(),
  bootId: bootId(),
  processStart: statOf(process.pid)?.start ?? null,
  pidNamespace: readLink('/proc/self/ns/pid'),
};

export const thisProcess = (): Owner => here;

/** Whether two owners are one process. The number and the host alone don't tell: every container may have a process 1. */
export const isSameProcess = (a: Owner, b: Owner): boolean =>
  a.pid === b.pid &&
  a.host === b.host &&
  a.bootId === b.bootId &&
  a.processStart === b.processStart &&
  a.pidNamespace === b.pidNamespace;

/** Whether a process of this PID namespace runs. One that has died and whose parent doesn't ask for its exit code does not. */
export function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as another user.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const state = statOf(pid)?.state;
  return state !== 'Z' && state !== 'X';
}

/** When a process of this PID namespace started, in the kernel's own count; null where the platform doesn't tell. */
export const startOf = (pid: number): string | null => statOf(pid)?.start ?? null;

/** When a process of this PID namespace started, in milliseconds since 1970; null where the platform doesn't tell. */
export function startedAt(pid: number): number | null {
  const start = statOf(pid)?.start;
  const booted = /^btime (\d+)$/m.exec(readText('/proc/stat') ?? '')?.[1];
  // Clock ticks: 100 a second on every Linux that Node runs on.
  return start === undefined || booted === undefined ? null : 1000 * Number(booted) + 10 * Number(start);
}

/** How long an owner that can't be examined may be silent, in milliseconds; null: it can be examined. */
function allowedSilence(owner: Owner): number | null {
  const boot = bootId();
  const sameBoot = owner.bootId !== null && owner.bootId === boot;
  // The name may differ: containers of a machine have names of their own, and a machine's may change.
  if (!sameBoot && (owner.host !== here.host || (owner.bootId !== null && boot !== null))) return silenceElsewhereMs;
  const otherNamespace =
    owner.pidNamespace !== null && here.pidNamespace !== null && owner.pidNamespace !== here.pidNamespace;
  return otherNamespace ? silenceHereMs : null;
}

/**
 * Whether the owner is still alive. One in this PID namespace is looked up; of any other its heartbeat decides.
 * @param heartbeat when it last reported, in milliseconds since 1970
 */
export function isAlive(owner: Owner, heartbeat: number, now: number = Date.now()): boolean {
  // A heartbeat in the future is that of a wrong clock, and must not hold for ever.
  const recent = (silence: number): boolean => Math.abs(now - heartbeat) < silence;
  const silence = allowedSilence(owner);
  if (silence !== null) {
    // This machine before it was started anew, unless another one of the same name reported since.
    const rebooted = owner.host === here.host && owner.bootId !== bootId() && heartbeat < now - 1000 * os.uptime();
    return !rebooted && recent(silence);
  }
  if (!isRunning(owner.pid)) return false;
  const start = statOf(owner.pid)?.start;
  if (owner.processStart !== null && start !== undefined) return owner.processStart === start;
  return recent(silenceElsewhereMs);
}

/**
 * An owner in words, with what to do about it: `process 12`, or where else it runs and when its claim lapses.
 * @param heartbeat when it last reported, in milliseconds since 1970
 */
export function describeOwner(owner: Owner, heartbeat: number): string {
  const silence = allowedSilence(owner);
  if (silence === null) return `process ${owner.pid} on this machine`;
  const sameMachine = owner.bootId !== null && owner.bootId === bootId();
  const where = sameMachine ? `in another container of this machine (${owner.host})` : `on ${owner.host}`;
  const lapses = new Date(heartbeat + silence).toTimeString().slice(0, 8);
  return `process ${owner.pid} ${where}, whose claim ends at ${lapses} unless it reports again`;
}
