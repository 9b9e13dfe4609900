import { completeDevice, type DeviceChoice, measureDevices } from '../engine/devices/choose.ts';
import type { FitConfig } from '../engine/fit/fit.ts';
import type { Gpu } from '../engine/fit/gpus.ts';
import { finish } from '../engine/fit/steps.ts';
import { parameterCount } from '../engine/models/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/run/config.ts';
import { schedule, totalSteps } from '../engine/run/schedule.ts';
import { formatShort, plural } from '../base/format.ts';
import { locateHome, resolveHome } from '../studio/home.ts';
import { Studio } from '../studio/studio.ts';
import { type TimeReport, timeSteps } from '../studio/time/estimate.ts';
import { abortable } from './interrupts.ts';
import type { PresetSettings } from './presetSettings.ts';
import { describeTime } from './time.ts';

/** Tokens a parameter that make the best of a computation (Hoffmann et al. 2022). */
const tokensPerParameter = 20;

/** How long a model of the calculator trains: for the tokens of its recipe, else for 20 a parameter. */
export interface FitTime extends Pick<TimeReport, 'here' | 'there'> {
  readonly tokens: number;
  /** Whether the number of tokens is its recipe's. */
  readonly isRecipe: boolean;
}

/** What a model of the calculator would be as a run: training alone, without validations. */
function runOf(
  config: FitConfig,
  { tokensPerStep, phases }: Omit<PresetSettings, 'config'>,
  isRecipe: boolean,
  device?: DeviceChoice,
): RunConfig {
  const { optimizer: kind, lowBitStates, batch, model, ...rest } = config;
  const micro = batch * model.contextLength;
  const tokens = tokensPerParameter * parameterCount(model);
  return parseRunConfig({
    ...rest,
    ...{ model, batch, optimizer: { kind, lowBitStates }, device: device ?? completeDevice() },
    ...{ dataset: 'any', tokenizer: 'gpt2', evaluation: { every: 0, sequences: 1 } },
    // A batch that does not divide the recipe's step has a step of its own.
    tokensPerStep: tokensPerStep % micro === 0 ? tokensPerStep : micro,
    phases: (isRecipe ? phases : undefined) ?? [{ kind: 'constant', tokens, from: 0, to: 0 }],
  });
}

/**
 * @param isRecipe whether the model is as its preset has it
 * @param gpu of the table, to compute it for
 * @param device of this machine, where it is not the usual one
 * @param isToMeasure whether steps are to be timed on this machine
 * @throws UserError when they can't be
 */
export async function fitTime(
  config: FitConfig,
  settings: Omit<PresetSettings, 'config'>,
  isRecipe: boolean,
  {
    home: flag,
    gpu,
    device,
    isToMeasure,
  }: { home?: string | undefined; gpu?: Gpu | undefined; device?: DeviceChoice | undefined; isToMeasure: boolean },
): Promise<FitTime> {
  const run = runOf(config, settings, isRecipe, device);
  const home = isToMeasure ? resolveHome(flag) : locateHome(flag);
  if (isToMeasure) {
    measureDevices(home);
    const studio = Studio.open(home);
    try {
      await abortable((signal) => studio.time.measure(run, signal));
    } finally {
      studio.close();
    }
  }
  const { here, there } = finish(timeSteps({ config: run, home, gpu }));
  const tokens = totalSteps(schedule(run)) * run.tokensPerStep;
  return { tokens, isRecipe: isRecipe && settings.phases !== undefined, here, there };
}

export function printTime({ tokens, isRecipe, here, there }: FitTime): void {
  const known = [here, there].filter((time) => time !== null);
  if (known.length === 0) return;
  const whose = isRecipe ? "the recipe's" : `${tokensPerParameter} a parameter`;
  console.log(`\ntime for ${plural(tokens, 'token', 'tokens', formatShort)} (${whose}):`);
  for (const time of known) console.log(`  ${describeTime(time)}`);
}
