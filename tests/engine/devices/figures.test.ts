import { describe, expect, it } from 'vitest';
import { type FigureSources, machineFigures } from '../../../electron/engine/devices/cpu/figures.ts';
import { linux, where } from '../../frame/needs.ts';

const gib = 2 ** 30;
const kib = (bytes: number): string => `${bytes / 1024} kB`;
const meminfo = `MemTotal: ${kib(16 * gib)}\nMemFree: 100 kB\nMemAvailable: ${kib(10 * gib)}\n`;

/** user nice system idle iowait irq softirq steal guest guest_nice */
const stat = (...times: number[]): string => `cpu  ${times.join(' ')}\ncpu0 ${times.join(' ')}\nintr 5 0\n`;

/** A machine with these files, which a test changes as time goes by. */
function machine(files: Record<string, string | undefined>, changed: Partial<FigureSources> = {}) {
  const clock = { ms: 1000 };
  const asked: string[] = [];
  const names = (folder: string) => {
    const inside = Object.keys(files).filter((file) => file.startsWith(`${folder}/`));
    return [...new Set(inside.map((file) => file.slice(folder.length + 1).split('/')[0]!))].sort();
  };
  const sources: FigureSources = {
    read: async (file) => (asked.push(file), files[file]),
    readNow: (file) => files[file],
    list: names,
    cpus: () => [],
    totalBytes: 16 * gib,
    freeBytes: 16 * gib,
    now: () => clock.ms,
    platform: 'linux',
    ...changed,
  };
  return { files, clock, asked, read: machineFigures(sources) };
}

describe('the utilization of processors', () => {
  it('is the share of the time since it was last read in which they had something to do', async () => {
    const { files, read } = machine({ '/proc/stat': stat(100, 0, 50, 800, 50, 0, 0, 0, 70, 0) });
    // 30 busy, what guests took not counted twice; 60 idle and 10 that waited for a disk.
    files['/proc/stat'] = stat(110, 5, 55, 860, 60, 5, 4, 1, 900, 0);
    expect((await read()).utilization).toBeCloseTo(0.3, 12);
    files['/proc/stat'] = stat(210, 5, 55, 860, 60, 5, 4, 1, 900, 0);
    expect((await read()).utilization).toBe(1);
    files['/proc/stat'] = stat(210, 5, 55, 960, 60, 5, 4, 1, 900, 0);
    expect((await read()).utilization).toBe(0);
  });

  it('is unknown where time stood still or ran back, where the file is another or is gone, and known again after', async () => {
    const { files, read } = machine({ '/proc/stat': stat(100, 0, 0, 100) });
    expect(await read()).toEqual({});
    for (const text of [stat(90, 0, 0, 90), 'nonsense', '', undefined, stat(1000, 0, 0, 90)]) {
      files['/proc/stat'] = text;
      expect(await read(), text).toEqual({});
    }
    files['/proc/stat'] = stat(1001, 0, 0, 91);
    expect((await read()).utilization).toBe(0.5);
  });

  it('is known of systems that have no such file by what Node lists', async () => {
    const times = { user: 0, nice: 0, sys: 0, irq: 0, idle: 0 };
    const cpus = [{ times: { ...times } }, { times: { ...times } }];
    const { read } = machine({}, { platform: 'win32', freeBytes: 3 * gib, cpus: () => cpus });
    cpus[0] = { times: { user: 2, nice: 1, sys: 1, irq: 1, idle: 5 } };
    cpus[1] = { times: { ...times, idle: 10 } };
    expect(await read()).toEqual({ utilization: 0.25, memoryBytes: 13 * gib });
  });
});

describe('memory in use', () => {
  it('is what is not available, of the machine or of the container whose limit counts', async () => {
    const { files, read } = machine({ '/proc/meminfo': meminfo });
    expect(await read()).toEqual({ memoryBytes: 6 * gib });
    files['/proc/meminfo'] = meminfo.replace(kib(10 * gib), kib(4 * gib));
    expect(await read()).toEqual({ memoryBytes: 12 * gib });

    const group = {
      '/proc/self/cgroup': '0::/\n',
      '/sys/fs/cgroup/memory.max': String(4 * gib),
      '/sys/fs/cgroup/memory.current': String(3 * gib),
      '/sys/fs/cgroup/memory.stat': `anon 5\ninactive_file ${gib}\n`,
    };
    const container = machine({ '/proc/meminfo': meminfo, ...group });
    expect(await container.read()).toEqual({ memoryBytes: 2 * gib });
  });

  it('is not told of macOS, which gives back at once what it counts as used', async () => {
    expect(await machine({}, { platform: 'darwin' }).read()).toEqual({});
  });
});

describe("the processors' temperature", () => {
  const chip = (n: number, name: string, sensors: Record<string, [label: string | undefined, value: string]>) =>
    Object.fromEntries([
      [`/sys/class/hwmon/hwmon${n}/name`, `${name}\n`],
      ...Object.entries(sensors).flatMap(([sensor, [label, value]]) => [
        [`/sys/class/hwmon/hwmon${n}/${sensor}_input`, `${value}\n`],
        ...(label === undefined ? [] : [[`/sys/class/hwmon/hwmon${n}/${sensor}_label`, `${label}\n`]]),
      ]),
    ]) as Record<string, string>;
  const zone = (n: number, type: string, value: string) => ({
    [`/sys/class/thermal/thermal_zone${n}/type`]: `${type}\n`,
    [`/sys/class/thermal/thermal_zone${n}/temp`]: `${value}\n`,
  });

  it.each([
    [
      'the package of the hotter of two',
      71,
      [
        chip(0, 'nvme', { temp1: ['Composite', '90000'] }),
        chip(1, 'coretemp', { temp1: ['Package id 0', '65000'], temp2: ['Core 0', '80000'] }),
        chip(2, 'coretemp', { temp1: ['Package id 1', '71000'] }),
      ],
    ],
    [
      'the die, not the one with an offset',
      60.25,
      [chip(0, 'k10temp', { temp1: ['Tctl', '80250'], temp2: ['Tdie', '60250'] })],
    ],
    [
      'the control value where there is no other',
      55,
      [chip(0, 'k10temp', { temp1: ['Tctl', '55000'], temp3: ['Tccd1', '70000'] })],
    ],
    ['a sensor without a label', 48.3, [chip(0, 'cpu_thermal', { temp1: [undefined, '48312'] })]],
    [
      'a zone where there is no such chip',
      52,
      [
        chip(0, 'acpitz', { temp1: [undefined, '27800'] }),
        zone(0, 'acpitz', '99000'),
        zone(1, 'x86_pkg_temp', '52000'),
      ],
    ],
    ['not one that no processor has', 50, [zone(0, 'cpu-thermal', '50000'), zone(1, 'cpu_1', '255000')]],
  ] as const)('is that of %s', async (_, celsius, files) => {
    const { read } = machine(Object.assign({}, ...files) as Record<string, string>);
    expect((await read()).temperature).toBeCloseTo(celsius, 1);
  });

  it('is absent where nothing measures it, where a sensor sleeps, and while it can not be read', async () => {
    expect(await machine(chip(0, 'nvme', { temp1: ['Composite', '40000'] })).read()).toEqual({});
    expect(await machine(zone(0, 'x86_pkg_temp', '0')).read()).toEqual({});
    const { files, read } = machine(zone(0, 'x86_pkg_temp', '40000'));
    const file = '/sys/class/thermal/thermal_zone0/temp';
    files[file] = undefined;
    expect(await read()).toEqual({});
    files[file] = '41000';
    expect(await read()).toEqual({ temperature: 41 });
  });
});

describe("the processors' power", () => {
  const rapl = (zone: string, name: string, energy: string, range = '1000000') => ({
    [`/sys/class/powercap/${zone}/name`]: `${name}\n`,
    [`/sys/class/powercap/${zone}/energy_uj`]: energy,
    [`/sys/class/powercap/${zone}/max_energy_range_uj`]: range,
  });
  const energyOf = (zone: string) => `/sys/class/powercap/${zone}/energy_uj`;

  it('is the energy of all packages since it was last read, through a counter that starts over', async () => {
    const { files, clock, read } = machine({
      ...rapl('intel-rapl:0', 'package-0', '100000'),
      ...rapl('intel-rapl:1', 'package-1', '900000'),
      // Parts of a package, the same by another way, and what is none.
      ...rapl('intel-rapl:0:0', 'core', '0'),
      ...rapl('intel-rapl-mmio:0', 'package-0', '0'),
      ...rapl('intel-rapl:2', 'psys', '0'),
    });
    clock.ms += 10;
    files[energyOf('intel-rapl:0')] = '300000';
    files[energyOf('intel-rapl:1')] = '200000';
    for (const other of ['intel-rapl:0:0', 'intel-rapl-mmio:0', 'intel-rapl:2']) files[energyOf(other)] = '999999';
    // 0.2 J and 0.3 J in 10 ms
    expect((await read()).power).toBeCloseTo(50, 9);
    clock.ms += 100;
    files[energyOf('intel-rapl:0')] = '400000';
    files[energyOf('intel-rapl:1')] = '300000';
    expect((await read()).power).toBeCloseTo(2, 9);
  });

  it('is absent where a counter may not be read, stands still, or was not read for long', async () => {
    const { files, clock, read, asked } = machine(rapl('intel-rapl:0', 'package-0', '100000'));
    files[energyOf('intel-rapl:0')] = undefined;
    clock.ms += 10;
    expect(await read()).toEqual({});
    files[energyOf('intel-rapl:0')] = '100000';
    clock.ms += 10;
    expect(await read()).toEqual({});
    clock.ms += 10;
    expect(await read()).toEqual({});
    files[energyOf('intel-rapl:0')] = '200000';
    clock.ms += 1e6;
    expect(await read()).toEqual({});
    files[energyOf('intel-rapl:0')] = '300000';
    clock.ms += 10;
    expect((await read()).power).toBeCloseTo(10, 9);
    expect(asked).toContain(energyOf('intel-rapl:0'));
  });

  it('is not asked for where nothing measures it', async () => {
    const { read, asked } = machine({ '/proc/meminfo': meminfo });
    await read();
    expect(asked.filter((file) => file.startsWith('/sys'))).toEqual([]);
  });
});

where(describe, linux)('this machine', () => {
  it('tells how busy it is and how much memory is in use, in what they are measured in', async () => {
    const read = machineFigures();
    await expect.poll(async () => (await read()).utilization).toBeGreaterThanOrEqual(0);
    const { utilization = 0, memoryBytes } = await read();
    expect(utilization).toBeLessThanOrEqual(1);
    expect(memoryBytes).toBeGreaterThan(2 ** 20);
  });
});
