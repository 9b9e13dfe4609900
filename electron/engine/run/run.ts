import type { HellaswagQuestion } from '../../evals/hellaswag/questions.ts';
import { HeldFolder, type OpenedCheckpoint, type SmallFile } from '../checkpoint/index.ts';
import type { Session } from '../devices/device.ts';
import type { OpenedDevice } from '../devices/kind.ts';
import { Profile } from '../devices/profile.ts';
import { type Admission, plannedBefore, requireTrainable } from './admission.ts';
import type { RunConfig } from './config.ts';
import type { TrainingData, Windows } from './data.ts';
import type { Activity, RunEvent } from './events.ts';
import { HeldMemory } from './heldMemory.ts';
import type { InitialWeights } from './initialWeights.ts';
import { RunLog } from './log.ts';
import { RunPrograms } from './programs.ts';
import type { Requests } from './requests.ts';
import { type ScheduledPhase, schedule, settingsAt, totalSteps } from './schedule.ts';
import { freshState, readDeviceChoices, readTrainerState, type TrainerState } from './state.ts';
import { StateWatch } from './stateWatch.ts';
import { Stepper } from './step.ts';
import type { SystemWatch } from './systemWatch.ts';
import { convertsStates } from './tensors.ts';
import { begin, restore } from './weights.ts';

/** What a run is trained with, and who is told. */
export interface RunOptions extends Pick<OpenedDevice, 'device' | 'memory' | 'contextBytes'> {
  /** See `OpenedDevice`: every step tells what share of it the run reaches. */
  readonly peakFlops: number;
  readonly config: RunConfig;
  /** What was found out before of whether it can be trained. */
  readonly admission?: Admission;
  readonly training: TrainingData;
  readonly validation: Windows;
  /**
   * Validation windows of another dataset that is trained on.
   * @throws UserError when it has none
   */
  readonly validationOf?: (dataset: string) => Windows;
  /** What a fresh run begins with, where weights are not drawn. */
  readonly initial?: InitialWeights;
  /** HellaSwag items by their place, where they are taken during training. */
  readonly hellaswag?: { readonly questions: ReadonlyMap<number, HellaswagQuestion>; readonly key: string };
  readonly tokenizer: {
    byteLength(ids: Iterable<number>): number;
    encode(text: string): ArrayLike<number>;
    decode(ids: number[]): string;
    readonly endOfText: number;
    /** Default: the end of text. */
    readonly startOfText?: number;
    /** Default: as many as the model has rows. */
    readonly vocabSize?: number;
  };
  /** The description of a tokenizer that came with a model, as a file: each checkpoint carries it. */
  readonly tokenizerFile?: SmallFile;
  /** Folder of the run's checkpoints. */
  readonly checkpointRoot: string;
  /** What machine and device tell meanwhile. */
  readonly system?: Pick<SystemWatch, 'take'>;
  readonly emit: (event: RunEvent) => void;
  /** Settles when all that was emitted is stored: a checkpoint that is ahead of the record would leave a gap in it. */
  readonly flush?: () => Promise<void>;
}

/** Programs that are loaded, and what takes steps with them. */
export interface Loaded {
  readonly programs: RunPrograms;
  readonly session: Session;
  readonly stepper: Stepper;
}

/** A run that trains: what it is made of and where it is. The loop and all that it calls share it. */
export interface Run {
  readonly options: RunOptions;
  readonly requests: Requests;
  readonly log: RunLog;
  readonly memory: HeldMemory;
  readonly watch: StateWatch;
  /** That of its checkpoints. */
  readonly folder: HeldFolder;
  /** Of the training steps, where TRAINYARD_PROFILE=1 asks for it. */
  readonly profile: Profile | undefined;
  config: RunConfig;
  phases: readonly ScheduledPhase[];
  loaded: Loaded;
  state: TrainerState;
  /** Index of the phase that was entered; -1: the next step's is yet to be. */
  entered: number;
  /** Step of the checkpoint that holds what is trained, -1: none does. */
  saved: number;
  /** For data that is being prepared. */
  isWaiting: boolean;
  /** Bytes of text of the validation windows' targets, once they are known. */
  validationBytes: number | undefined;
  /** What is told as it starts: the device multiplies in another way than before, or moments were read in another format. */
  readonly notices: { readonly otherBits: boolean; readonly converted: boolean };
}

/** Loads a phase's programs. */
export async function load(
  { options, config, profile }: Pick<Run, 'options' | 'config' | 'profile'>,
  programs: RunPrograms,
): Promise<Loaded> {
  const session = await options.device.load(programs.programs, programs.plan);
  return { programs, session, stepper: new Stepper(session, programs, options.training, config, profile) };
}

/**
 * Takes the device's memory and fills it: with fresh weights, or from a checkpoint.
 * @throws UserError when the device can't train what is left of the run
 */
export async function openRun(options: RunOptions, requests: Requests, from?: OpenedCheckpoint): Promise<Run> {
  const { config, device } = options;
  const step = from ? readTrainerState(from.state).step : 0;
  const phases = schedule(config);
  const memory = new HeldMemory(device, options.memory);
  const admission = requireTrainable(config, step, device, options.memory, options.admission);
  memory.take(admission.map((a) => a.plan));
  const choices = from && readDeviceChoices(from.state);
  // That it is a device of another kind is told as the run is resumed.
  const otherBits = choices !== undefined && device.remember?.(choices) === false;
  const profile = process.env.TRAINYARD_PROFILE === '1' ? new Profile() : undefined;
  const settings = settingsAt(config, phases, step);
  const programs = new RunPrograms(config, settings, { planned: plannedBefore(device, config, settings) });
  const { model, training } = programs;
  const converted = from !== undefined && convertsStates(model, training.optimizer, readTrainerState(from.state));
  const folder = new HeldFolder(options.checkpointRoot);
  const run: Run = {
    options,
    requests,
    log: new RunLog(options),
    memory,
    watch: new StateWatch(config.optimizer),
    folder,
    profile,
    config,
    phases,
    loaded: await load({ options, config, profile }, programs),
    state: freshState,
    entered: -1,
    saved: -1,
    isWaiting: false,
    validationBytes: undefined,
    notices: { otherBits, converted },
  };
  if (from) await restore(run, from);
  else await begin(run);
  return run;
}

/** Does something else than training, and tells when training goes on. */
export async function during<T>(run: Run, activity: Activity, work: () => Promise<T>): Promise<T> {
  const { emit } = run.log;
  await run.loaded.stepper.rest();
  emit({ type: 'activity', step: run.state.step, activity });
  const result = await work();
  emit({ type: 'activity', step: run.state.step, activity: 'training' });
  return result;
}

/** Whether no further step is trained: all phases have ended, or the run is told to finish. */
export const isOver = ({ requests, state, phases }: Run): boolean =>
  requests.isFinishing || state.step >= totalSteps(phases);

/** A stop cuts short what is made anew when the run goes on; the last step is finished. */
export const isCancelled = ({ requests, state, phases }: Run): boolean =>
  requests.isStopped && state.step < totalSteps(phases);
