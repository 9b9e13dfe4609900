import { datasetNames, loadDatasetInfo } from '../../data/index.ts';
import { UserError } from '../../base/errors.ts';
import { kindOf } from '../../engine/devices/registry.ts';
import { durationOf } from '../../engine/fit/duration.ts';
import type { Gpu } from '../../engine/fit/gpus.ts';
import {
  computedTimes,
  gpuCallSeconds,
  gpuSlowdown,
  type KnownSpeed,
  type StepTimes,
  type TimesRange,
} from '../../engine/fit/speed.ts';
import type { Steps } from '../../engine/fit/steps.ts';
import { parameterCount } from '../../engine/models/index.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { type ProgramSettings, samePrograms, settingsOf } from '../../engine/run/schedule.ts';
import { keptTimes } from './kept.ts';

/** How long a run takes on a device, and how that was found. */
export interface TimeEstimate {
  /** The device, for people. */
  readonly on: string;
  /** `measured`: by real steps of every phase on the device; `computed`: by the cost model. */
  readonly how: 'measured' | 'computed';
  readonly seconds: number;
  /** What it may be instead. */
  readonly lowSeconds: number;
  readonly highSeconds: number;
  /** Of training alone. */
  readonly tokensPerSecond: number;
}

export interface TimeReport {
  /** On the run's own device; null where nothing is known of it. */
  readonly here: TimeEstimate | null;
  /** Whether a measurement takes a few seconds, and is not there yet. */
  readonly measurable: boolean;
  /** On the GPU of the table that was asked for. */
  readonly there: TimeEstimate | null;
}

/** What a time is asked for. It is data: see `Planner`. */
export interface TimeQuestion {
  readonly config: RunConfig;
  readonly home: string;
  /** A GPU of the table to compute it for as well. */
  readonly gpu?: Gpu | undefined;
  /** Sequences that its validation data has, where that is known. */
  readonly windows?: number | undefined;
  /** Steps that it has trained already: the time of those that are left is asked for. */
  readonly from?: number | undefined;
}

/** How long a measurement may take to be made unasked. */
const maxMeasuringSeconds = 12;

/** Weights that are initialized in a second, about. */
const weightsPerSecond = 3e7;

/** Steps of a measurement: one to warm up, and two that are timed. */
const measuredSteps = 3;

/** Sequences of the validation data of a run, where its dataset is there. */
export function validationWindowsOf(home: string, { dataset, model }: RunConfig): number | undefined {
  if (!datasetNames(home).includes(dataset)) return undefined;
  try {
    return Math.floor((loadDatasetInfo(home, dataset).valTokens - 1) / model.contextLength);
  } catch (error) {
    if (error instanceof UserError) return undefined; // a damaged one, which the check tells of
    throw error;
  }
}

/** Those of a run's phases whose steps differ. */
export function stepKinds(config: RunConfig): ProgramSettings[] {
  const kinds: ProgramSettings[] = [];
  for (const phase of config.phases) {
    const { optimizer, batch } = settingsOf(config, phase);
    if (!kinds.some((k) => samePrograms(k, { optimizer, batch }))) kinds.push({ optimizer, batch });
  }
  return kinds;
}

type Times = readonly (readonly [ProgramSettings, TimesRange])[];

function* computed(config: RunConfig, speed: KnownSpeed): Steps<Times | undefined> {
  const { model, precision, recompute, device } = config;
  const all: [ProgramSettings, TimesRange][] = [];
  for (const settings of stepKinds(config)) {
    yield;
    const { lowBitStates } = config.optimizer;
    const times = computedTimes({ model, precision, recompute, lowBitStates, ...settings }, speed, device.tf32);
    if (!times) return undefined;
    all.push([settings, times]);
  }
  return all;
}

/** The median, and what the fastest and the slowest micro-batch would make of it. */
function measured(config: RunConfig, home: string, { key }: KnownSpeed): Times | undefined {
  const kept = keptTimes(home, key, config);
  const all: [ProgramSettings, TimesRange][] = [];
  for (const settings of stepKinds(config)) {
    const times = kept(settings);
    if (!times) return undefined;
    const [fastest, slowest] = times.microSecondsRange;
    all.push([
      settings,
      { low: { ...times, microSeconds: fastest }, likely: times, high: { ...times, microSeconds: slowest } },
    ]);
  }
  return all;
}

function estimate(
  { config, windows, from }: TimeQuestion,
  on: string,
  how: TimeEstimate['how'],
  times: Times,
): TimeEstimate {
  const at = (which: keyof TimesRange) =>
    durationOf(
      config,
      (settings): StepTimes => times.find(([s]) => samePrograms(s, settings))![1][which],
      windows,
      from,
    );
  const seconds = (which: keyof TimesRange): number => {
    const { trainSeconds, evaluationSeconds } = at(which);
    return trainSeconds + evaluationSeconds;
  };
  const { tokensPerSecond } = at('likely');
  return {
    ...{ on, how, tokensPerSecond },
    seconds: seconds('likely'),
    lowSeconds: seconds('low'),
    highSeconds: seconds('high'),
  };
}

/** A GPU of the table as its data sheet has it. */
export const speedOfSheet = (gpu: Gpu): KnownSpeed => ({
  ...{ key: gpu.id, name: gpu.name, rates: gpu },
  ...{ slowdown: gpuSlowdown, callSeconds: gpuCallSeconds },
});

/** How long a run takes: on its device by what was measured there, else by the cost model; on another GPU by the cost model. */
export function* timeSteps(asked: TimeQuestion): Steps<TimeReport> {
  const { config, home, gpu } = asked;
  const speed = kindOf(config.device.kind).speed?.(config.device, home);
  const byMeasure = speed && measured(config, home, speed);
  const byModel = speed && !byMeasure ? yield* computed(config, speed) : undefined;
  const here = byMeasure
    ? estimate(asked, speed.name, 'measured', byMeasure)
    : byModel
      ? estimate(asked, speed!.name, 'computed', byModel)
      : null;
  const there = gpu && (yield* computed(config, speedOfSheet(gpu)));
  return {
    here,
    measurable: byModel !== undefined && measuringSeconds(config, byModel) <= maxMeasuringSeconds,
    there: there ? estimate(asked, gpu.name, 'computed', there) : null,
  };
}

/** How long it takes about to measure the steps of a run. */
const measuringSeconds = ({ model }: RunConfig, times: Times): number =>
  times.reduce((sum, [, { likely }]) => sum + measuredSteps * (likely.microSeconds + likely.updateSeconds), 0) +
  (times.length * parameterCount(model)) / weightsPerSecond;
