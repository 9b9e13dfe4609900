import fs from 'node:fs';
import os from 'node:os';
import type { DeviceFigures } from '../device.ts';
import { machineMemory } from './memory.ts';

/** Where a machine tells of its processors and its memory; tests give their own. */
export interface FigureSources {
  /** Settles with undefined where there is no such file, or it may not be read. Does not hold up who asks. */
  read(file: string): Promise<string | undefined>;
  /** The same at once: for what is looked up a single time. */
  readNow(file: string): string | undefined;
  /** Names in a folder; none where there is no such folder. */
  list(folder: string): readonly string[];
  /** For platforms that have no /proc. */
  cpus(): readonly Pick<os.CpuInfo, 'times'>[];
  readonly totalBytes: number;
  readonly freeBytes: number;
  /** Milliseconds that only grow. */
  now(): number;
  readonly platform: NodeJS.Platform;
}

const sources: FigureSources = {
  // Of Node's ways that do not hold up this thread the one that takes the least of it.
  read: (file) => new Promise((settle) => fs.readFile(file, 'utf8', (error, text) => settle(error ? undefined : text))),
  readNow(file) {
    try {
      return fs.readFileSync(file, 'utf8');
    } catch {
      return undefined;
    }
  },
  list(folder) {
    try {
      return fs.readdirSync(folder).sort();
    } catch {
      return [];
    }
  },
  cpus: os.cpus,
  totalBytes: os.totalmem(),
  get freeBytes() {
    return os.freemem();
  },
  now: () => performance.now(),
  platform: process.platform,
};

/** A figure that is read again and again; undefined: it is not known now. */
type Reader = () => Promise<number | undefined>;

const unknown: Reader = async () => undefined;

/**
 * Reads what the machine tells of itself: the utilization of all its processors and the memory that is in use, on Linux also
 * temperature (hwmon, else thermal zones) and power (RAPL) of its processors. Only the sensors that are there now are read.
 */
export function machineFigures(from: FigureSources = sources): () => Promise<DeviceFigures> {
  const isLinux = from.platform === 'linux';
  const readers: { readonly [Name in keyof DeviceFigures]-?: Reader } = {
    utilization: utilizationOf(from),
    temperature: isLinux ? temperatureOf(from) : unknown,
    power: isLinux ? powerOf(from) : unknown,
    memoryBytes: memoryOf(from),
  };
  return async () => {
    const found = await Promise.all(Object.entries(readers).map(async ([name, read]) => [name, await read()] as const));
    return Object.fromEntries(found.filter(([, value]) => value !== undefined && Number.isFinite(value)));
  };
}

/** Time that processors have had, and of it the time in which they had nothing to do, in any unit. */
interface Spent {
  readonly all: number;
  readonly idle: number;
}

/** The share of the time since it was last read in which processors were busy. */
function utilizationOf({ read, readNow, cpus, platform }: FigureSources): Reader {
  const file = '/proc/stat';
  const isLinux = platform === 'linux';
  let before = isLinux ? spentIn(readNow(file)) : spentOf(cpus());
  return async () => {
    // Node's list asks each processor for its clock, too, which takes long where there are many.
    const now = isLinux ? spentIn(await read(file)) : spentOf(cpus());
    const [all, idle] = [now.all - before.all, now.idle - before.idle];
    before = now;
    // A processor that is switched off takes its times along.
    return all > 0 && idle >= 0 && idle <= all ? 1 - idle / all : undefined;
  };
}

/** By /proc/stat (proc(5)): user nice system idle iowait irq softirq steal; what guests take is in user already. */
function spentIn(text: string | undefined): Spent {
  const times =
    /^cpu {2}(.*)$/m
      .exec(text ?? '')?.[1]
      ?.split(' ')
      .slice(0, 8)
      .map(Number) ?? [];
  const [, , , idle = Number.NaN, waiting = 0] = times;
  return { all: times.reduce((a, b) => a + b, 0), idle: idle + waiting };
}

function spentOf(cpus: readonly Pick<os.CpuInfo, 'times'>[]): Spent {
  const sum = (of: (times: os.CpuInfo['times']) => number) => cpus.reduce((s, { times }) => s + of(times), 0);
  return { all: sum((t) => t.user + t.nice + t.sys + t.irq + t.idle), idle: sum((t) => t.idle) };
}

/** macOS counts as free what it is not: see `machineMemory`. */
function memoryOf(from: FigureSources): Reader {
  if (from.platform === 'darwin') return unknown;
  const memoryBy = (read: (file: string) => string | undefined) =>
    machineMemory({ read, totalBytes: from.totalBytes, freeBytes: from.freeBytes, platform: from.platform });
  const files = new Set<string>();
  memoryBy((file) => {
    const text = from.readNow(file);
    if (text !== undefined) files.add(file);
    return text;
  });
  return async () => {
    const texts = new Map(await Promise.all([...files].map(async (file) => [file, await from.read(file)] as const)));
    const { totalBytes, availableBytes } = memoryBy((file) => texts.get(file));
    return totalBytes > availableBytes ? totalBytes - availableBytes : undefined;
  };
}

const hwmonFolder = '/sys/class/hwmon';
const zonesFolder = '/sys/class/thermal';

/** Sensors of processors, by what Linux's drivers call them; of the first that has one of these labels those are read alone. */
const processorSensors: Readonly<Record<string, readonly RegExp[]>> = {
  coretemp: [/^Package id/],
  // Tctl is Tdie with an offset on some.
  k10temp: [/^Tdie$/, /^Tctl$/],
  zenpower: [/^Tdie$/, /^Tctl$/],
  cpu_thermal: [],
};
const processorZone = /^(x86_pkg_temp|TCPU|cpu[-_]?.*)$/i;

/** A sensor that is broken, or asleep, shows what no processor that runs has. Degrees Celsius. */
const [coldest, hottest] = [1, 150];

/** The temperature of the hottest processor. */
function temperatureOf(from: FigureSources): Reader {
  const sensors = hwmonFiles(from);
  const files = sensors.length > 0 ? sensors : zoneFiles(from);
  return async () => {
    const degrees = (await numbersOf(from, files)).map((thousandths) => thousandths / 1000);
    const likely = degrees.filter((t) => t >= coldest && t <= hottest);
    return likely.length > 0 ? Math.max(...likely) : undefined;
  };
}

function hwmonFiles({ readNow, list }: FigureSources): string[] {
  return list(hwmonFolder).flatMap((chip): string[] => {
    const folder = `${hwmonFolder}/${chip}`;
    const labels = processorSensors[readNow(`${folder}/name`)?.trim() ?? ''];
    if (!labels) return [];
    const inputs = list(folder).filter((name) => /^temp\d+_input$/.test(name));
    const labeled = labels.map((label) =>
      inputs.filter((name) => label.test(readNow(`${folder}/${name.replace('input', 'label')}`)?.trim() ?? '')),
    );
    const chosen = labeled.find((names) => names.length > 0) ?? inputs;
    return chosen.map((name) => `${folder}/${name}`);
  });
}

const zoneFiles = ({ readNow, list }: FigureSources): string[] =>
  list(zonesFolder)
    .filter((zone) => zone.startsWith('thermal_zone'))
    .map((zone) => `${zonesFolder}/${zone}`)
    .filter((folder) => processorZone.test(readNow(`${folder}/type`)?.trim() ?? ''))
    .map((folder) => `${folder}/temp`);

const powerFolder = '/sys/class/powercap';
/** A counter that was not read for so long may have started over more than once. Milliseconds. */
const longestMs = 300_000;

/** The mean power of all processors since it was last read, by the counters of their energy (Linux's powercap, in µJ). */
function powerOf(from: FigureSources): Reader {
  const { readNow, list, now } = from;
  const folders = list(powerFolder)
    // Not their parts, and not the same by another way (intel-rapl-mmio).
    .filter((zone) => /^intel-rapl:\d+$/.test(zone))
    .map((zone) => `${powerFolder}/${zone}`)
    .filter((folder) => readNow(`${folder}/name`)?.startsWith('package'));
  if (folders.length === 0) return unknown;
  const ranges = folders.map((folder) => numberOf(readNow(`${folder}/max_energy_range_uj`)));
  const files = folders.map((folder) => `${folder}/energy_uj`);
  let before = { at: now(), energies: files.map((file) => numberOf(readNow(file))) };
  return async () => {
    const energies = await numbersOf(from, files);
    const after = { at: now(), energies };
    const ms = after.at - before.at;
    const used = energies.map((energy, i) => {
      const grown = energy - before.energies[i]!;
      return grown < 0 ? grown + ranges[i]! : grown;
    });
    before = after;
    const microjoules = used.reduce((a, b) => a + b, 0);
    // Of a processor whose counter can't be read nothing is known, nor of all of them.
    if (!(microjoules > 0) || ms <= 0 || ms > longestMs) return undefined;
    return microjoules / 1000 / ms;
  };
}

/** NaN where there is none. */
const numberOf = (text: string | undefined): number => (text === undefined ? Number.NaN : Number.parseFloat(text));

const numbersOf = ({ read }: FigureSources, files: readonly string[]): Promise<number[]> =>
  Promise.all(files.map(async (file) => numberOf(await read(file))));
