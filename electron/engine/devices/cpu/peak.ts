import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { CpuDevice } from './device.ts';

const schema = z.record(z.string(), z.number().positive());

/** What a peak belongs to: another processor, number of threads or instruction set has another. */
export const keyOf = ({ isa, threads }: Pick<CpuDevice, 'isa' | 'threads'>): string =>
  `${os.cpus()[0]?.model.trim() ?? ''}, ${threads} threads, ${isa}`;

const fileIn = (findings: string): string => path.join(findings, 'processor-peak.json');

/** None yet, or a file that was cut off: then it is measured anew. */
function readAll(file: string): Record<string, number> {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return {};
  }
}

/** The peak of a device that was measured before, in FLOP/s. @param findings see `Opening` */
export const keptPeak = (device: Pick<CpuDevice, 'isa' | 'threads'>, findings: string): number | undefined =>
  readAll(fileIn(findings))[keyOf(device)];

/**
 * Measures the peak of a device in FLOP/s, and keeps it. Others may have used the machine: the highest of all measurements is
 * the peak. Takes about a second.
 * @param findings see `Opening`; where nothing can be kept, it is measured each time
 */
export function measurePeak(device: CpuDevice, findings: string | undefined): number {
  const measured = device.fmaPeak().allThreads;
  if (findings === undefined) return measured;
  const file = fileIn(findings);
  const all = readAll(file);
  const peak = Math.max(measured, all[keyOf(device)] ?? 0);
  const partial = `${file}.${process.pid}`;
  try {
    fs.writeFileSync(partial, `${JSON.stringify({ ...all, [keyOf(device)]: peak }, null, 1)}\n`);
    fs.renameSync(partial, file);
  } catch {
    fs.rmSync(partial, { force: true });
  }
  return peak;
}

/** The peak of a device in FLOP/s: measured once on a machine. */
export const peakOf = (device: CpuDevice, findings: string | undefined): number =>
  (findings === undefined ? undefined : keptPeak(device, findings)) ?? measurePeak(device, findings);
