import { messageOf, UserError } from '../../base/errors.ts';
import { formatBytes } from '../../base/format.ts';
import type { RunConfig } from '../run/config.ts';
import { checkPrograms, type Session } from '../devices/device.ts';
import { openDevice } from '../devices/choose.ts';
import type { OpenedDevice } from '../devices/kind.ts';
import { isOutOfMemory } from '../devices/outOfMemory.ts';
import { type Plan, plan } from '../program/planner.ts';
import type { Program } from '../program/types.ts';

/** Where a job works. */
export interface JobPlace {
  /** See `Opening`. */
  readonly findings: string;
  /** Names of the runs that train on the same GPU, as far as they are known. */
  readonly heldBy?: readonly string[];
}

/**
 * Opens the device of a job beside runs, and loads its programs there if they fit what is free.
 * @param what it does, for people: `Writing text`
 * @throws UserError when the device can't be used, can't run them, or has too little memory: who holds it, and what to do
 */
export async function loadJob(
  what: string,
  { device, precision }: Pick<RunConfig, 'device' | 'precision'>,
  programs: readonly Program[],
  { findings, heldBy = [] }: JobPlace,
): Promise<Session> {
  return loadOn(await openDevice(device, { precision, findings, heldBy }), what, programs);
}

/**
 * Loads a job's programs on a device that is open, if they fit what is free.
 * @param what see `loadJob`
 * @throws UserError as `loadJob` does
 */
export async function loadOn(opened: OpenedDevice, what: string, programs: readonly Program[]): Promise<Session> {
  const planned = requireRoom(opened, what, programs);
  try {
    return await opened.device.load(programs, planned);
  } catch (error) {
    // Another program was quicker, or the driver took more than is left for recordings.
    if (!isOutOfMemory(error)) throw error;
    const { device, advice } = opened;
    throw new UserError(`${what} on ${device.description} failed (${messageOf(error)}): ${advice.full(error)}.`);
  }
}

/**
 * Plans programs for a device that is open; nothing is taken of its memory.
 * @param what see `loadJob`
 * @throws UserError when it can't run them, or has too little memory for them: who holds it, and what to do
 */
export function requireRoom(
  { device, memory, advice }: OpenedDevice,
  what: string,
  programs: readonly Program[],
): Plan {
  try {
    checkPrograms(device, programs);
  } catch (error) {
    const other = advice.elsewhere === undefined ? '' : `: ${advice.elsewhere}`;
    throw new UserError(`${what} is not possible on this device: ${messageOf(error)}${other}.`);
  }
  const planned = plan(programs);
  const isApart = memory.hostBytes !== undefined;
  const needed = planned.totalBytes + (isApart ? 0 : planned.hostBytes);
  if (needed <= memory.bytes) return planned;
  const missing = `${what} needs ${formatBytes(needed)} and ${device.description} has ${formatBytes(memory.bytes)}${isApart ? ' free' : ''}, ${formatBytes(needed - memory.bytes)} too little`;
  const { shared } = memory;
  const help = shared && needed <= shared.bytes ? shared.relief(needed) : advice.larger;
  throw new UserError(`${missing}: ${help}.`);
}
