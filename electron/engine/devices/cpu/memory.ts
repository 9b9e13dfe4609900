import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { formatBytes } from '../../../base/format.ts';
import type { DeviceMemory } from '../kind.ts';

/** Where a machine tells of its memory; tests give their own. */
export interface MemorySources {
  read(file: string): string | undefined;
  readonly totalBytes: number;
  /** For platforms that have no /proc. */
  readonly freeBytes: number;
  readonly platform: NodeJS.Platform;
}

const sources = (): MemorySources => ({
  read(file) {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  },
  totalBytes: os.totalmem(),
  freeBytes: os.freemem(),
  platform: process.platform,
});

interface Memory {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

const numberIn = (text: string | undefined, key: string): number =>
  Number(new RegExp(`^${key}:?\\s+(\\d+)`, 'm').exec(text ?? '')?.[1] ?? 0);

/** What a control group may take, and has left: what its files hold in the cache is given back when it is needed. */
function groupMemory({ read }: MemorySources, dir: string, version: 1 | 2): Memory | undefined {
  const [limit, usage, prefix] =
    version === 2 ? ['memory.max', 'memory.current', ''] : ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_'];
  const totalBytes = Number.parseInt(read(path.posix.join(dir, limit!)) ?? '', 10);
  const usedBytes = Number.parseInt(read(path.posix.join(dir, usage!)) ?? '', 10);
  // `max`, or a number near 2^63: there is no limit.
  if (!(totalBytes < 2 ** 60) || !Number.isFinite(usedBytes)) return undefined;
  const stat = read(path.posix.join(dir, 'memory.stat'));
  const cachedBytes = numberIn(stat, `${prefix}inactive_file`) + numberIn(stat, `${prefix}active_file`);
  return { totalBytes, availableBytes: Math.max(0, totalBytes - Math.max(0, usedBytes - cachedBytes)) };
}

/** The limits of this process's control groups, those above them included. */
function groups(from: MemorySources): Memory[] {
  const found: Memory[] = [];
  for (const line of (from.read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, group] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || group === undefined) continue;
    const version = controllers === '' ? 2 : controllers.split(',').includes('memory') ? 1 : undefined;
    if (version === undefined) continue;
    const root = version === 2 ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory';
    // In a container the group may be named as the host knows it, and its files lie at the root.
    for (let at = group; ; at = path.posix.dirname(at)) {
      const memory = groupMemory(from, path.posix.join(root, at), version);
      if (memory) found.push(memory);
      if (at === '/' || at === '.') break;
    }
  }
  return found;
}

/** All memory of this machine, or of the container that this process may use, and what of it is available now. */
export function machineMemory(from: MemorySources = sources()): Memory {
  const available = numberIn(from.read('/proc/meminfo'), 'MemAvailable') * 1024;
  // macOS counts as used what it would give back at once: there nothing is known that would do.
  const free = from.platform === 'darwin' ? from.totalBytes : from.freeBytes;
  const all = [{ totalBytes: from.totalBytes, availableBytes: available || free }, ...groups(from)];
  return {
    totalBytes: Math.min(...all.map((m) => m.totalBytes)),
    availableBytes: Math.min(...all.map((m) => m.availableBytes)),
  };
}

/** What is left to the system and to this program's own processes: a twentieth, between 256 MiB and 2 GiB. */
export const systemReserve = (totalBytes: number): number =>
  Math.min(2 * 2 ** 30, Math.max(256 * 2 ** 20, Math.floor(totalBytes / 20)), Math.floor(totalBytes / 4));

/** The memory of this machine that plans may take. */
export function processorMemory(from?: MemorySources): DeviceMemory {
  const { totalBytes, availableBytes } = machineMemory(from);
  const reserve = systemReserve(totalBytes);
  const others = Math.max(0, totalBytes - availableBytes);
  return {
    bytes: Math.max(0, availableBytes - reserve),
    shared: {
      bytes: totalBytes - reserve,
      relief: () =>
        `${formatBytes(others)} of ${formatBytes(totalBytes)} are in use and ${formatBytes(reserve)} are kept for the system: pause other runs, or end other programs`,
    },
  };
}
