import { FailureError, messageOf, UserError } from '../../base/errors.ts';
import { formatBytes } from '../../base/format.ts';
import type { RunConfig } from './config.ts';
import { checkPrograms, type Device } from '../devices/device.ts';
import { nullDevice } from '../devices/null.ts';
import { requireDevice } from '../devices/choose.ts';
import type { DeviceMemory } from '../devices/kind.ts';
import { kindOf } from '../devices/registry.ts';
import { adviseSteps } from '../fit/advice.ts';
import { finish, type Steps } from '../fit/steps.ts';
import { type PlanRecord, type PlanSizes, recordOf } from '../program/planner.ts';
import { RunPrograms } from './programs.ts';
import { phasesLeft, type ProgramSettings, samePrograms, schedule, settingsOf } from './schedule.ts';

/** That a device can run the programs of a phase, and their plan. Phases with the same programs share one. */
export interface Admitted extends ProgramSettings {
  readonly plan: PlanRecord;
}

/** Every phase of a run that is still to be trained. It is data: what one process found out another need not look for. */
export type Admission = readonly Admitted[];

/** What was found out of a device, by what decides programs: the newest last. */
const remembered = new WeakMap<Device, Map<string, PlanRecord>>();
const maxRemembered = 16;

const keyOf = (
  { model, precision, recompute, optimizer, sampling, evaluation }: RunConfig,
  { optimizer: kind, batch }: ProgramSettings,
): string =>
  JSON.stringify([model, precision, recompute, optimizer, sampling, evaluation.hellaswagEvery > 0, kind, batch]);

/** The plan of a phase's programs, where a device is known to run them. */
export const plannedBefore = (device: Device, config: RunConfig, settings: ProgramSettings): PlanRecord | undefined =>
  remembered.get(device)?.get(keyOf(config, settings));

function remember(device: Device, config: RunConfig, { plan, ...settings }: Admitted): void {
  let plans = remembered.get(device);
  if (!plans) remembered.set(device, (plans = new Map()));
  plans.set(keyOf(config, settings), plan);
  if (plans.size > maxRemembered) plans.delete(plans.keys().next().value!);
}

/**
 * Plans every phase that is still to be trained and asks the device about it, before anything is allocated: what can't
 * be trained is told now, not in three days. What is known of the device is not planned again.
 * @param step optimizer steps taken
 * @param before what another process found out of a device of this kind
 * @throws UserError that names the phase, and what would make it fit
 */
export function* admissionSteps(
  config: RunConfig,
  step: number,
  device: Device,
  memory: DeviceMemory,
  before: Admission = [],
): Steps<Admission> {
  for (const admitted of before) remember(device, config, admitted);
  const admission: Admitted[] = [];
  let like: RunPrograms | undefined;
  for (const { phase, index } of phasesLeft(schedule(config), step)) {
    const { optimizer, batch } = settingsOf(config, phase);
    const settings = { optimizer, batch };
    if (admission.some((a) => samePrograms(a, settings))) continue;
    yield;
    const what = `Phase ${index + 1} (${phase.kind}, ${optimizer}, batch ${batch})`;
    let plan = plannedBefore(device, config, settings);
    if (!plan) {
      like = new RunPrograms(config, settings, { like });
      try {
        checkPrograms(device, like.programs);
      } catch (error) {
        throw new UserError(`${what} can't be trained on this device: ${messageOf(error)}.`);
      }
      plan = recordOf(like.plan);
      remember(device, config, { ...settings, plan });
    }
    yield* requireMemory({ what, config, settings, plan, isStarted: step > 0 }, memory);
    admission.push({ ...settings, plan });
  }
  return admission;
}

/** See `admissionSteps`. */
export const requireTrainable = (...asked: Parameters<typeof admissionSteps>): Admission =>
  finish(admissionSteps(...asked));

const answering = new Map<RunConfig['device']['kind'], Device>();

/** Answers as a kind of device does, and runs nothing. It is one of each kind: what was found out of it is remembered. */
function answeringAs(kind: RunConfig['device']['kind']): Device {
  let device = answering.get(kind);
  if (!device) answering.set(kind, (device = { ...nullDevice, kind, supports: kindOf(kind).supports }));
  return device;
}

/**
 * Whether a device of this machine that is known to be here can train a config in a memory, without opening it: before
 * anything is made.
 * @param memory Default: whatever the programs take
 */
export const admissionStepsHere = (
  config: RunConfig,
  step: number,
  memory: DeviceMemory = { bytes: Number.POSITIVE_INFINITY },
): Steps<Admission> => admissionSteps(config, step, answeringAs(config.device.kind), memory);

/**
 * Refuses what a device of this machine can't train, without opening it. A run's start looks again, and knows to the byte.
 * @param step optimizer steps that are taken already
 * @param memory of the device, as it is now. Default: whatever the programs take
 * @throws UserError that names the phase, and what would make it fit
 */
export function requireTrainableHere(config: RunConfig, step: number, memory?: DeviceMemory): Admission {
  requireDevice(config.device);
  return finish(admissionStepsHere(config, step, memory));
}

interface Wanted {
  /** For people. */
  readonly what: string;
  readonly config: RunConfig;
  readonly settings: ProgramSettings;
  readonly plan: PlanSizes;
  /** Steps are taken: most of the settings stand. */
  readonly isStarted: boolean;
}

function* requireMemory({ what, config, settings, plan, isStarted }: Wanted, memory: DeviceMemory): Steps<void> {
  const { totalBytes, hostBytes } = plan;
  const isApart = memory.hostBytes !== undefined;
  if (isApart && hostBytes > memory.hostBytes) {
    throw new FailureError(
      'memory',
      `${what} pages ${formatBytes(hostBytes)} to host RAM, and ${formatBytes(memory.hostBytes)} are free: choose an optimizer that is not paged.`,
    );
  }
  const bytes = isApart ? totalBytes : totalBytes + hostBytes;
  if (bytes <= memory.bytes) return;
  const missing = `${what} needs ${formatBytes(bytes)} and the device has ${formatBytes(memory.bytes)}${memory.shared ? ' free' : ''}, ${formatBytes(bytes - memory.bytes)} too little`;
  const { shared } = memory;
  // Another model would be the wrong advice: others hold what it needs.
  if (shared && bytes <= shared.bytes) throw new FailureError('memory', `${missing}: ${shared.relief(bytes)}.`);
  if (isStarted && fitsByPaper(config, settings, memory)) {
    throw new FailureError(
      'memory',
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
  throw new FailureError('memory', `${missing}: ${help}.`);
}

/** Whether the device has what a low-bit optimizer needs that keeps no states, the embeddings' among them, in float32. */
function fitsByPaper(config: RunConfig, settings: ProgramSettings, memory: DeviceMemory): boolean {
  if (config.optimizer.lowBitStates === 'paper') return false;
  const optimizer = { ...config.optimizer, lowBitStates: 'paper' as const };
  const { totalBytes, hostBytes } = new RunPrograms({ ...config, optimizer }, settings).plan;
  if (memory.hostBytes === undefined) return totalBytes + hostBytes <= memory.bytes;
  return totalBytes <= memory.bytes && hostBytes <= memory.hostBytes;
}
