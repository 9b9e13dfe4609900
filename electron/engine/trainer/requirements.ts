import { messageOf, UserError } from '../../errors.ts';
import { formatBytes } from '../../format.ts';
import type { RunConfig } from '../config.ts';
import { checkPrograms, type Device } from '../devices/device.ts';
import type { DeviceMemory } from '../devices/open.ts';
import { adviseSteps } from '../fit/advice.ts';
import { finish, type Steps } from '../fit/steps.ts';
import type { Plan } from '../program/planner.ts';
import { RunPrograms } from './programs.ts';
import { phasesLeft, type ProgramSettings, samePrograms, schedule, settingsOf } from './schedule.ts';

/**
 * Plans every phase that is still to be trained and asks the device about it, before anything is allocated: what can't
 * be trained is told now, not in three days.
 * @param step optimizer steps taken
 * @returns the plans
 * @throws UserError that names the phase, and what would make it fit
 */
export function* trainableSteps(config: RunConfig, step: number, device: Device, memory: DeviceMemory): Steps<Plan[]> {
  const checked: ProgramSettings[] = [];
  const plans: Plan[] = [];
  for (const { phase, index } of phasesLeft(schedule(config), step)) {
    const settings = settingsOf(config, phase);
    if (checked.some((c) => samePrograms(c, settings))) continue;
    checked.push(settings);
    yield;
    const what = `Phase ${index + 1} (${phase.kind}, ${settings.optimizer}, batch ${settings.batch})`;
    const { programs, plan } = new RunPrograms(config, settings);
    try {
      checkPrograms(device, programs);
    } catch (error) {
      throw new UserError(`${what} can't be trained on this device: ${messageOf(error)}.`);
    }
    yield* requireMemory({ what, config, settings, plan, isBegun: step > 0 }, memory);
    plans.push(plan);
  }
  return plans;
}

/** See `trainableSteps`. */
export const requireTrainable = (...asked: Parameters<typeof trainableSteps>): Plan[] =>
  finish(trainableSteps(...asked));

interface Wanted {
  /** For people. */
  readonly what: string;
  readonly config: RunConfig;
  readonly settings: ProgramSettings;
  readonly plan: Plan;
  /** Steps are taken: most of the settings stand. */
  readonly isBegun: boolean;
}

function* requireMemory({ what, config, settings, plan, isBegun }: Wanted, memory: DeviceMemory): Steps<void> {
  const { totalBytes, hostBytes } = plan;
  const isApart = memory.hostBytes !== undefined;
  if (isApart && hostBytes > memory.hostBytes) {
    throw new UserError(
      `${what} pages ${formatBytes(hostBytes)} to the memory of this machine, which has ${formatBytes(memory.hostBytes)} free: take an optimizer that is not paged.`,
    );
  }
  const bytes = isApart ? totalBytes : totalBytes + hostBytes;
  if (bytes <= memory.bytes) return;
  const missing = `${what} needs ${formatBytes(bytes)} and the device has ${formatBytes(memory.bytes)}${memory.shared ? ' free' : ''}, ${formatBytes(bytes - memory.bytes)} too little`;
  const { shared } = memory;
  // Another model would be the wrong advice: others hold what it needs.
  if (shared && bytes <= shared.bytes) throw new UserError(`${missing}: ${shared.relief(bytes)}.`);
  if (isBegun && fitsByPaper(config, settings, memory)) {
    throw new UserError(
      `${missing}: it fits with all of its optimizer's states in few bits, as its paper has them, which runs of earlier versions were trained with: \`trainyard resume RUN --low-bit-states paper\`.`,
    );
  }
  const { model, precision, recompute } = config;
  const { lowBitStates } = config.optimizer;
  const now = { model, precision, recompute, lowBitStates, ...settings };
  let ways = yield* adviseSteps(now, memory.bytes, { hostBytes: memory.hostBytes });
  if (shared && ways.length === 0) ways = yield* adviseSteps(now, shared.bytes, { hostBytes: memory.hostBytes });
  const help =
    ways.length > 0
      ? `it would fit with ${ways.map((way) => way.changes.join(' and ')).join('; or ')}`
      : 'a smaller model or context would fit';
  throw new UserError(`${missing}: ${help}.`);
}

/** Whether the device has what a low-bit optimizer needs that keeps no states, the embeddings' among them, in float32. */
function fitsByPaper(config: RunConfig, settings: ProgramSettings, memory: DeviceMemory): boolean {
  if (config.optimizer.lowBitStates === 'paper') return false;
  const optimizer = { ...config.optimizer, lowBitStates: 'paper' as const };
  const { totalBytes, hostBytes } = new RunPrograms({ ...config, optimizer }, settings).plan;
  if (memory.hostBytes === undefined) return totalBytes + hostBytes <= memory.bytes;
  return totalBytes <= memory.bytes && hostBytes <= memory.hostBytes;
}
