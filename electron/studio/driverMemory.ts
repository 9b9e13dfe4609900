import fs from 'node:fs';
import { z } from 'zod';
import { recordingReserve } from '../engine/devices/open.ts';
import { isSystemError } from '../exchange/safetensors/systemErrors.ts';
import { driverMemoryPath } from './home.ts';

/** What a GPU's driver takes for a process that trains: its context, kernels and recorded programs. */
export interface DriverMemory {
  readonly bytes: number;
  /** Left free beside it: an engine takes a plan only with room for more kernels and recordings than it may need. */
  readonly spareBytes: number;
  /** By the last run that began on such a GPU, or assumed, since none has. */
  readonly source: 'measured' | 'assumed';
}

/** More than drivers have been seen to take, so that what fits by it fits. */
const assumedBytes = 512 * 2 ** 20;

/** By the GPU's name. */
const schema = z.record(z.string(), z.object({ bytes: z.number().min(0), contextBytes: z.number().min(0) }));
type Kept = z.infer<typeof schema>[string];

function readAll(home: string): Record<string, Kept> {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(driverMemoryPath(home), 'utf8')));
  } catch {
    return {}; // none yet, or a file that was cut off
  }
}

/** @param home undefined where there is none yet */
export function driverMemoryOf(home: string | undefined, gpuName: string): DriverMemory {
  const kept = home === undefined ? undefined : readAll(home)[gpuName];
  if (!kept) return { bytes: assumedBytes, spareBytes: 0, source: 'assumed' };
  const { bytes, contextBytes } = kept;
  const spareBytes = Math.max(0, contextBytes + recordingReserve - bytes);
  return { bytes, spareBytes, source: 'measured' };
}

/**
 * Keeps what was measured as a run began: all that the driver held, and what of it before programs were loaded. What came
 * beyond the reserve was another program's. A home that can't be written is noticed by the run itself.
 */
export function keepDriverMemory(home: string, gpuName: string, heldBytes: number, contextBytes: number): void {
  const kept: Kept = { bytes: Math.min(heldBytes, contextBytes + recordingReserve), contextBytes };
  const all = readAll(home);
  if (JSON.stringify(all[gpuName]) === JSON.stringify(kept)) return;
  const file = driverMemoryPath(home);
  const aside = `${file}.${process.pid}.partial`;
  try {
    fs.writeFileSync(aside, `${JSON.stringify({ ...all, [gpuName]: kept }, null, 1)}\n`);
    fs.renameSync(aside, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    fs.rmSync(aside, { force: true });
  }
}
