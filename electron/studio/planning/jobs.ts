import type { RunConfig } from '../../engine/run/config.ts';
import { measureDevices } from '../../engine/devices/choose.ts';
import type { DeviceMemory } from '../../engine/devices/kind.ts';
import { type Dimension, type FitConfig, largestSteps } from '../../engine/fit/fit.ts';
import type { Steps } from '../../engine/fit/steps.ts';
import { suggestSteps } from '../../engine/fit/suggest.ts';
import { type Admission, admissionStepsHere } from '../../engine/run/admission.ts';
import { settingsOf } from '../../engine/run/schedule.ts';
import { messageOf, UserError } from '../../base/errors.ts';
import type { MemoryBudget } from '../budget.ts';
import { timeSteps } from '../time/estimate.ts';
import { matrixReport, type PlanReport, planReport } from './reports.ts';

/** What a draft needs, and why the device that it names can't run it. */
export interface DraftPlan {
  readonly problem: string | null;
  readonly plan: PlanReport | null;
}

/** A device's memory as data: functions don't pass between threads. */
export interface PlainMemory {
  readonly bytes: number;
  readonly hostBytes?: number;
  readonly sharedBytes?: number;
}

/** The answer to whether a config may train; `reliefBytes`: the mark stands for what gives so many bytes back. */
export type AdmissionAnswer =
  { readonly admission: Admission } | { readonly refused: string; readonly reliefBytes: number };

/** Stands where the one who asks says what gives a GPU's memory back. */
export const reliefMark = '\u0000relief\u0000';

/** The plan of the phase that needs most. */
function* worstPlan(config: RunConfig, budget: MemoryBudget): Steps<PlanReport> {
  const { model, precision, recompute } = config;
  const { lowBitStates } = config.optimizer;
  const kinds = new Map(
    config.phases.map((phase) => {
      const { optimizer, batch } = settingsOf(config, phase);
      return [`${optimizer} ${batch}`, { optimizer, batch }] as const;
    }),
  );
  let worst: PlanReport | undefined;
  for (const settings of kinds.values()) {
    const plan = yield* planReport({ model, precision, recompute, lowBitStates, ...settings }, budget);
    if (!worst || plan.left < worst.left) worst = plan;
  }
  return worst!;
}

interface Draft {
  readonly config: RunConfig;
  readonly step: number;
  /** Whether its device is here, and can be asked about. */
  readonly isHere: boolean;
  readonly budget: MemoryBudget | null;
}

function* draft({ config, step, isHere, budget }: Draft): Steps<DraftPlan> {
  let problem: string | null = null;
  try {
    if (isHere) yield* admissionStepsHere(config, step);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    problem = messageOf(error);
  }
  return { problem, plan: budget ? yield* worstPlan(config, budget) : null };
}

interface Admitting {
  readonly config: RunConfig;
  readonly step: number;
  readonly memory: PlainMemory;
}

function* admit({ config, step, memory: { sharedBytes, ...memory } }: Admitting): Steps<AdmissionAnswer> {
  let reliefBytes = 0;
  const relief = (bytes: number) => ((reliefBytes = bytes), reliefMark);
  const whole: DeviceMemory = {
    ...memory,
    ...(sharedBytes === undefined ? {} : { shared: { bytes: sharedBytes, relief } }),
  };
  try {
    return { admission: yield* admissionStepsHere(config, step, whole) };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { refused: messageOf(error), reliefBytes };
  }
}

interface Question {
  readonly config: FitConfig;
  readonly budget: MemoryBudget;
}

/** All that is planned for whoever asks the studio. What goes in and comes out is data. */
export const jobs = {
  plan: ({ config, budget }: Question) => planReport(config, budget),
  matrix: ({ config, budget }: Question) => matrixReport(config, budget),
  solve: ({ config, dimension, bytes }: { config: FitConfig; dimension: Dimension; bytes: number }) =>
    largestSteps(config, dimension, bytes),
  draft,
  admit,
  time: timeSteps,
  suggest: suggestSteps,
  *measure({ findings }: { findings: string }): Steps<void> {
    measureDevices(findings);
  },
};

export type JobKind = keyof typeof jobs;
export type JobInput<K extends JobKind> = Parameters<(typeof jobs)[K]>[0];
export type JobResult<K extends JobKind> = ReturnType<(typeof jobs)[K]> extends Steps<infer T> ? T : never;

/** @returns the work on a job, to be done piece by piece */
export const stepsOf = <K extends JobKind>(kind: K, input: JobInput<K>): Steps<JobResult<K>> =>
  (jobs[kind] as unknown as (input: JobInput<K>) => Steps<JobResult<K>>)(input);
