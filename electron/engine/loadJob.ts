import { messageOf, UserError } from '../errors.ts';
import { formatBytes } from '../format.ts';
import type { RunConfig } from './config.ts';
import { checkPrograms, type Session } from './devices/device.ts';
import { openDevice, relief } from './devices/open.ts';
import { plan } from './program/planner.ts';
import type { Program } from './program/types.ts';

/** Where a job works. */
export interface JobPlace {
  /** See KeptProducts of the cuda device. */
  readonly productsFile: string;
  /** Names of the runs that train on the same GPU, as far as they are known. */
  readonly heldBy?: readonly string[];
}

/**
 * Plans the programs of a job beside runs, opens its device, and loads them there if they fit what is free.
 * @param what it does, for people: `Writing text`
 * @throws UserError when the device can't be used, can't run them, or has too little memory: who holds it, and what to do
 */
export async function loadJob(
  what: string,
  { device: wanted, precision }: Pick<RunConfig, 'device' | 'precision'>,
  programs: readonly Program[],
  { productsFile, heldBy = [] }: JobPlace,
): Promise<Session> {
  const planned = plan(programs);
  const { device, memory } = await openDevice(wanted, precision, productsFile, heldBy);
  try {
    checkPrograms(device, programs);
  } catch (error) {
    const other = device.kind === 'cuda' ? ': take --device cpu' : '';
    throw new UserError(`${what} is not possible on this device: ${messageOf(error)}${other}.`);
  }
  const isApart = memory.hostBytes !== undefined;
  const needed = planned.totalBytes + (isApart ? 0 : planned.hostBytes);
  if (needed > memory.bytes) {
    const missing = `${what} needs ${formatBytes(needed)} and ${device.description} has ${formatBytes(memory.bytes)}${isApart ? ' free' : ''}, ${formatBytes(needed - memory.bytes)} too little`;
    const { shared } = memory;
    const help =
      shared && needed <= shared.bytes
        ? shared.relief(needed)
        : `it takes a ${isApart ? 'GPU' : 'machine'} with more memory${isApart ? ', or --device cpu' : ''}`;
    throw new UserError(`${missing}: ${help}.`);
  }
  try {
    return await device.load(programs, planned);
  } catch (error) {
    // Another program was quicker.
    if (!/^out of memory/.test(messageOf(error))) throw error;
    throw new UserError(`${what} ran ${messageOf(error)}; ${relief(heldBy)}.`);
  }
}
