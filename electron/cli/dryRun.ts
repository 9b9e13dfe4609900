import { fit } from '../engine/fit/fit.ts';
import { measureDevices } from '../engine/devices/choose.ts';
import { type Gpu } from '../engine/fit/gpus.ts';
import { finish } from '../engine/fit/steps.ts';
import { parameterCount } from '../engine/models/index.ts';
import type { RunConfig } from '../engine/run/config.ts';
import { schedule, totalSteps } from '../engine/run/schedule.ts';
import { messageOf, UserError } from '../base/errors.ts';
import { formatBytes, formatCount, formatShort, plural } from '../base/format.ts';
import { Studio } from '../studio/studio.ts';
import { stepKinds, timeSteps } from '../studio/time/estimate.ts';
import { abortable } from './interrupts.ts';
import { describePhases } from './phases.ts';
import { describeTime } from './time.ts';

interface Asked {
  readonly home: string;
  readonly config: RunConfig;
  /** To compute the time on as well. */
  readonly gpu?: Gpu | undefined;
  readonly json: boolean;
}

/**
 * Says what a run would be, and how long it would take: measured by a few real steps where those take seconds, else
 * computed. Nothing is trained, and no data is read.
 */
export async function dryRun({ home, config, gpu, json }: Asked): Promise<void> {
  measureDevices(home);
  const note = await measureWherePossible(home, config);
  const { here, there } = finish(timeSteps({ config, home, gpu }));
  const { model, precision, recompute } = config;
  const { lowBitStates } = config.optimizer;
  const plans = stepKinds(config).map((s) => fit({ model, precision, recompute, lowBitStates, ...s }));
  const plan = plans.reduce((a, b) => (b.totalBytes > a.totalBytes ? b : a));
  const steps = totalSteps(schedule(config));
  const tokens = steps * config.tokensPerStep;
  const parameters = parameterCount(model);
  if (json) {
    const { totalBytes, hostBytes } = plan;
    console.log(JSON.stringify({ config, parameters, steps, tokens, totalBytes, hostBytes, here, there }));
    return;
  }
  console.log(
    `${formatCount(parameters)} parameters, ${plural(steps, 'step')}, ${plural(tokens, 'token', 'tokens', formatShort)}`,
  );
  for (const line of describePhases(config)) console.log(line);
  console.log(
    `memory   ${formatBytes(plan.totalBytes)} planned${plan.hostBytes > 0 ? `, and ${formatBytes(plan.hostBytes)} of the host's` : ''}`,
  );
  if (here) console.log(`time     ${describeTime(here)}`);
  else console.log('time     not known: nothing is known of the speed of this device');
  if (there) console.log(`time     ${describeTime(there)}`);
  if (note !== undefined) console.log(note);
}

/** @returns why it was not measured, where it could be */
async function measureWherePossible(home: string, config: RunConfig): Promise<string | undefined> {
  if (!finish(timeSteps({ config, home })).measurable) return undefined;
  const studio = Studio.open(home);
  try {
    await abortable((signal) => studio.time.measure(config, signal));
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return messageOf(error);
  } finally {
    studio.close();
  }
}
