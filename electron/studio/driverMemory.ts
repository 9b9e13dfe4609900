import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { z } from 'zod';
import { moduleReserve } from '../engine/devices/gpu.ts';
import { isSystemError } from '../base/systemErrors.ts';
import { driverMemoryPath } from './home.ts';

/** What a GPU's driver takes for a process that trains: its context, kernels and recorded programs. */
export interface DriverMemory {
  readonly bytes: number;
  /** Held beside it: an engine takes a plan only with room for more kernels and recordings than it may need. */
  readonly moduleReserveBytes: number;
  /** By the last run that began on such a GPU, or assumed, since none has. */
  readonly source: 'measured' | 'assumed';
}

/** More than drivers have been seen to take, so that what fits by it fits. */
const assumedBytes = 512 * 2 ** 20;

/** No driver's context is larger: what was measured is another program's as well, or a file that somebody edited. */
const maxContextBytes = 2 ** 30;

/** Of one GPU. */
const schema = z.object({ bytes: z.number().min(0), contextBytes: z.number().min(0).max(maxContextBytes) });
type Kept = z.infer<typeof schema>;

/** By the GPU's name. What makes no sense counts as not measured, and takes no other GPU's with it. */
function readAll(home: string): Record<string, Kept> {
  const named = z.record(z.string(), z.unknown()).safeParse(readJson(driverMemoryPath(home))).data ?? {};
  return Object.fromEntries(
    Object.entries(named).flatMap(([name, entry]) => {
      const { data } = schema.safeParse(entry);
      if (!data) return [];
      const { bytes, contextBytes } = data;
      return [[name, { bytes: Math.min(bytes, contextBytes + moduleReserve), contextBytes }]];
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
  if (!kept) return { bytes: assumedBytes, moduleReserveBytes: moduleReserve, source: 'assumed' };
  const { bytes, contextBytes } = kept;
  const moduleReserveBytes = Math.max(0, contextBytes + moduleReserve - bytes);
  return { bytes, moduleReserveBytes, source: 'measured' };
}

/**
 * Keeps what was measured as a run began: all that the driver held, and what of it before programs were loaded. What came
 * beyond the reserve was another program's, and so is what a context takes beyond the smallest one. A home that can't be
 * written is noticed by the run itself.
 */
export function keepDriverMemory(home: string, gpuName: string, heldBytes: number, measuredBytes: number): void {
  if (!(measuredBytes >= 0 && measuredBytes <= maxContextBytes && heldBytes >= measuredBytes)) return;
  const contextBytes = Math.min(measuredBytes, readAll(home)[gpuName]?.contextBytes ?? measuredBytes);
  const moduleBytes = Math.min(heldBytes - measuredBytes, moduleReserve);
  const kept: Kept = { bytes: contextBytes + moduleBytes, contextBytes };
  const all = readAll(home);
  if (JSON.stringify(all[gpuName]) === JSON.stringify(kept)) return;
  const file = driverMemoryPath(home);
  const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
  try {
    fs.writeFileSync(partial, `${JSON.stringify({ ...all, [gpuName]: kept }, null, 1)}\n`);
    fs.renameSync(partial, file);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    fs.rmSync(partial, { force: true });
  }
}
