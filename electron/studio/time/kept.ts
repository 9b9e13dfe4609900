import fs from 'node:fs';
import { z } from 'zod';
import type { MeasuredTimes } from '../../engine/bench/timeRun.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import type { ProgramSettings } from '../../engine/run/schedule.ts';
import { isSystemError } from '../../base/systemErrors.ts';
import { version } from '../../base/version.ts';
import { stepTimesPath } from '../home.ts';
import { writeWhole } from '../store/runFile.ts';

const seconds = z.number().positive();
const schema = z.record(
  z.string(),
  z.object({
    microSeconds: seconds,
    updateSeconds: z.number().min(0),
    forwardSeconds: seconds,
    microSecondsRange: z.tuple([seconds, seconds]),
  }),
);

/** How many are kept: the latest. */
const maxKept = 500;

/** None yet, or a file that was cut off: then it is measured anew. */
function readAll(home: string): Record<string, MeasuredTimes> {
  try {
    return schema.parse(JSON.parse(fs.readFileSync(stepTimesPath(home), 'utf8')));
  } catch {
    return {};
  }
}

/** All that decides how long a step takes: another version may have other kernels. */
const keyOf = (
  device: string,
  { model, precision, recompute, optimizer, tokensPerStep }: RunConfig,
  { batch, optimizer: kind }: ProgramSettings,
): string =>
  JSON.stringify([
    ...[version, device, model, precision, recompute, kind, optimizer.lowBitStates, batch],
    // A step of one micro-batch has no gradients to add to.
    tokensPerStep > batch * model.contextLength,
  ]);

/**
 * Times that were measured on a device before.
 * @param device its key: see `KnownSpeed`
 */
export function keptTimes(
  home: string,
  device: string,
  config: RunConfig,
): (s: ProgramSettings) => MeasuredTimes | undefined {
  const all = readAll(home);
  return (settings) => all[keyOf(device, config, settings)];
}

/** Keeps measured times in the home. One that can't be written measures again. */
export function keepTimes(
  home: string,
  device: string,
  config: RunConfig,
  settings: ProgramSettings,
  times: MeasuredTimes,
): void {
  const { [keyOf(device, config, settings)]: _, ...others } = readAll(home);
  const latest = Object.entries(others).slice(1 - maxKept);
  const all = { ...Object.fromEntries(latest), [keyOf(device, config, settings)]: times };
  try {
    writeWhole(stepTimesPath(home), `${JSON.stringify(all, null, 1)}\n`);
  } catch (error) {
    if (!isSystemError(error)) throw error;
  }
}
