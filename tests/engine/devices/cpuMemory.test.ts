import { expect, test } from 'vitest';
import {
  machineMemory,
  type MemorySources,
  processorMemory,
  systemReserve,
} from '../../../electron/engine/devices/cpu/memory.ts';

const gib = 2 ** 30;
const meminfo = `MemTotal: ${(16 * gib) / 1024} kB\nMemFree: 100 kB\nMemAvailable: ${(10 * gib) / 1024} kB\n`;

const machine = (files: Record<string, string>, changed: Partial<MemorySources> = {}): MemorySources => ({
  read: (file) => files[file],
  totalBytes: 16 * gib,
  freeBytes: 3 * gib,
  platform: 'linux',
  ...changed,
});

test('what is available counts, and what the cache would give back', () => {
  expect(machineMemory(machine({ '/proc/meminfo': meminfo }))).toEqual({
    totalBytes: 16 * gib,
    availableBytes: 10 * gib,
  });
  expect(machineMemory(machine({}, { platform: 'win32' })).availableBytes).toBe(3 * gib);
  expect(machineMemory(machine({}, { platform: 'darwin' })).availableBytes).toBe(16 * gib);
});

test('the tightest of the control groups above counts, of version 2', () => {
  const group = '/sys/fs/cgroup/a';
  const files = {
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '0::/a/b\n',
    [`${group}/memory.max`]: String(4 * gib),
    [`${group}/memory.current`]: String(3 * gib),
    // Two of three are files in the cache.
    [`${group}/memory.stat`]: `anon ${gib}\ninactive_file ${gib}\nactive_file ${gib}\n`,
    [`${group}/b/memory.max`]: 'max\n',
    [`${group}/b/memory.current`]: String(3 * gib),
  };
  expect(machineMemory(machine(files))).toEqual({ totalBytes: 4 * gib, availableBytes: 3 * gib });
});

test('and of version 1, where a container sees its group at the root', () => {
  const root = '/sys/fs/cgroup/memory';
  const files = {
    '/proc/meminfo': meminfo,
    '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/docker/1234\n',
    [`${root}/memory.limit_in_bytes`]: String(2 * gib),
    [`${root}/memory.usage_in_bytes`]: String(1.5 * gib),
    [`${root}/memory.stat`]: `total_inactive_file ${gib / 2}\ntotal_active_file 0\n`,
  };
  expect(machineMemory(machine(files))).toEqual({ totalBytes: 2 * gib, availableBytes: gib });
  const unlimited = { ...files, [`${root}/memory.limit_in_bytes`]: '9223372036854771712' };
  expect(machineMemory(machine(unlimited)).totalBytes).toBe(16 * gib);
});

test('a reserve is kept for the system, and a refusal says what is there', () => {
  expect(systemReserve(2 * gib)).toBe(gib / 4);
  expect(systemReserve(16 * gib)).toBe(Math.floor((16 * gib) / 20));
  expect(systemReserve(512 * gib)).toBe(2 * gib);
  const { bytes, shared } = processorMemory(machine({ '/proc/meminfo': meminfo }));
  expect(bytes).toBe(10 * gib - systemReserve(16 * gib));
  expect(shared!.bytes).toBe(16 * gib - systemReserve(16 * gib));
  expect(shared!.relief(gib)).toMatch(
    /^6\.00 GiB of 16\.00 GiB are in use and 819\.20 MiB are kept for the system: pause/,
  );
});
