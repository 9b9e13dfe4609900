import fs from 'node:fs';
import { z } from 'zod';
import { isSystemError } from '../exchange/safetensors/systemErrors.ts';
import { driverMemoryPath } from './home.ts';

/** What a GPU's driver takes for a process that trains: its context, kernels and recorded programs. */
export interface DriverMemory {
  readonly bytes: number;
  /** By the last run that began on such a GPU, or assumed, since none has. */
  readonly source: 'measured' | 'assumed';
}

/** More than drivers have been seen to take, so that what fits by it fits. */
const assumedBytes = 512 * 2 ** 20;

/** Bytes by the GPU's name. */
const schema = z.record(z.string(), z.number().min(0));

function readAll(home: string): Record<string, number> {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(driverMemoryPath(home), 'utf8')));
  } catch {
    return {}; // none yet, or a file that was cut off
  }
}

/** @param home undefined where there is none yet */
export function driverMemoryOf(home: string | undefined, gpuName: string): DriverMemory {
  const bytes = home === undefined ? undefined : readAll(home)[gpuName];
  return bytes === undefined ? { bytes: assumedBytes, source: 'assumed' } : { bytes, source: 'measured' };
}

/** Keeps what was measured as a run began. A home that can't be written is noticed by the run itself. */
export function keepDriverMemory(home: string, gpuName: string, bytes: number): void {
  const all = readAll(home);
  if (all[gpuName] === bytes) return;
  const file = driverMemoryPath(home);
  const aside = `${file}.${process.pid}.partial`;
  try {
    fs.writeFileSync(aside, `${JSON.stringify({ ...all, [gpuName]: bytes }, null, 1)}\n`);
    fs.renameSync(aside, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    fs.rmSync(aside, { force: true });
  }
}
