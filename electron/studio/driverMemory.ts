import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { z } from 'zod';
import { recordingReserve } from '../engine/devices/cuda/memory.ts';
import { isSystemError } from '../exchange/safetensors/systemErrors.ts';
import { driverMemoryPath } from './home.ts';

/** What a GPU's driver takes for a process that trains: its context, kernels and recorded programs. */
export interface DriverMemory {
  readonly bytes: number;
  /** Held beside it: an engine takes a plan only with room for more kernels and recordings than it may need. */
  readonly spareBytes: number;
  /** By the last run that began on such a GPU, or assumed, since none has. */
  readonly source: 'measured' | 'assumed';
}

/** More than drivers have been seen to take, so that what fits by it fits. */
const assumedBytes = 512 * 2 ** 20;

/** No driver's context is larger: what was measured is another program's as well, or a file that somebody edited. */
const mostContextBytes = 2 ** 30;

/** Of one GPU. */
const schema = z.object({ bytes: z.number().min(0), contextBytes: z.number().min(0).max(mostContextBytes) });
type Kept = z.infer<typeof schema>;

/** By the GPU's name. What makes no sense counts as not measured, and takes no other GPU's with it. */
function readAll(home: string): Record<string, Kept> {
  const named = z.record(z.string(), z.unknown()).safeParse(readJson(driverMemoryPath(home))).data ?? {};
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, entry]) => {
      const { data } = schema.safeParse(entry);
      if (!data) return [];
      const { bytes, contextBytes } = data;
      return [[name, { bytes: Math.min(bytes, contextBytes + recordingReserve), contextBytes }]];
    }),
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    return {}; // none yet, or a file that was cut off
  }
}

/** @param home undefined where there is none yet */
export function driverMemoryOf(home: string | undefined, gpuName: string): DriverMemory {
  const kept = home === undefined ? undefined : readAll(home)[gpuName];
  // Whatever is assumed of the context: what fits here must fit in the engine, which leaves that much.
  if (!kept) return { bytes: assumedBytes, spareBytes: recordingReserve, source: 'assumed' };
  const { bytes, contextBytes } = kept;
  const spareBytes = Math.max(0, contextBytes + recordingReserve - bytes);
  return { bytes, spareBytes, source: 'measured' };
}

/**
 * Keeps what was measured as a run began: all that the driver held, and what of it before programs were loaded. What came
 * beyond the reserve was another program's, and so is what a context takes beyond the smallest one. A home that can't be
 * written is noticed by the run itself.
 */
export function keepDriverMemory(home: string, gpuName: string, heldBytes: number, measuredBytes: number): void {
  if (!(measuredBytes >= 0 && measuredBytes <= mostContextBytes && heldBytes >= measuredBytes)) return;
  const contextBytes = Math.min(measuredBytes, readAll(home)[gpuName]?.contextBytes ?? measuredBytes);
  const broughtBytes = Math.min(heldBytes - measuredBytes, recordingReserve);
  const kept: Kept = { bytes: contextBytes + broughtBytes, contextBytes };
  const all = readAll(home);
  if (JSON.stringify(all[gpuName]) === JSON.stringify(kept)) return;
  const file = driverMemoryPath(home);
  const aside = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    fs.writeFileSync(aside, `${JSON.stringify({ ...all, [gpuName]: kept }, null, 1)}\n`);
    fs.renameSync(aside, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    fs.rmSync(aside, { force: true });
  }
}
