import type { FailureCause } from '../../base/errors.ts';
import type { PrepareOptions, PrepareProgress } from '../../data/prepare/prepare.ts';
import type { PreviewOptions, TextPreview } from '../../data/prepare/preview.ts';
import type { ItemScore } from '../../evals/hellaswag/score.ts';
import type { ModelImport, StagedModel } from '../../exchange/models/stage.ts';
import type { CheckpointExport } from '../../exchange/models/write.ts';
import type { Admission } from '../run/admission.ts';
import type { MeasuredTimes } from '../bench/timeRun.ts';
import type { RunConfig } from '../run/config.ts';
import type { ProgramSettings } from '../run/schedule.ts';
import type { WritingOptions, WrittenToken } from '../use/generate.ts';
import type { JobPlace } from '../use/loadJob.ts';
import type { PhaseRequest, RequestOrder, RunEvent } from '../run/events.ts';
import type { DatasetDirs } from '../run/data.ts';

/** What the studio tells the engine process. */
export type ToEngine =
  | {
      readonly type: 'start';
      readonly config: RunConfig;
      /** What the studio found out of whether it can be trained. */
      readonly admission?: Admission;
      /** Of every dataset that the config names. */
      readonly datasetDirs: DatasetDirs;
      /** Of the run. */
      readonly folder: string;
      readonly checkpointRoot: string;
      /** See `Opening`. */
      readonly findings: string;
      /** Names of the runs that train on the same GPU. */
      readonly heldBy?: readonly string[];
      /** File of the weights that a fresh run begins with, where they are not drawn. */
      readonly initialWeights?: string;
      /** HellaSwag's items, where they are taken during training: their file, and by what its results are told apart. */
      readonly hellaswag?: { readonly file: string; readonly key: string };
      /** Folder of the checkpoint to go on from; absent in a fresh run. */
      readonly resumeFrom?: string;
    }
  /** Save after the step, to go on later; of a job: end. */
  | { readonly type: 'stop' }
  /** The step is the last one: do what a run's end does, and be complete. */
  | { readonly type: 'finish' }
  /** The last message has arrived. */
  | { readonly type: 'bye' }
  /** Answered by `asked`. */
  | ({ readonly type: 'request' } & RequestOrder)
  /** Answered between two steps, by `phases` or `phasesRefused`. */
  | ({ readonly type: 'changePhases' } & PhaseRequest)
  /** Its message of this number, counted from 1, is stored: not so the steps before it. */
  | { readonly type: 'stored'; readonly number: number }
  /** All that was sent before the `flush` of this number is stored. */
  | { readonly type: 'flushed'; readonly id: number };

/** Text that is to become tokens. Stopped by `stop`. */
export interface PrepareJob {
  readonly type: 'prepare';
  readonly options: Omit<PrepareOptions, 'signal' | 'onProgress'>;
}

/** Text that is shown as it would become tokens. */
export interface PreviewJob {
  readonly type: 'preview';
  readonly options: PreviewOptions;
}

/** Steps of a run that are timed before it is started. */
export interface TimeJob {
  readonly type: 'time';
  readonly config: RunConfig;
  /** Of its phases, those whose steps differ. */
  readonly settings: readonly ProgramSettings[];
  /** See `Opening`. */
  readonly findings: string;
}

/** Work on files alone. Stopped by `stop`: it leaves nothing half-written then. */
export type FileJob =
  | ({ readonly type: 'import' } & ModelImport)
  | ({ readonly type: 'export' } & CheckpointExport)
  | { readonly type: 'verify'; readonly dir: string };

/** A piece of work in a process of its own: with a checkpoint's weights, on data, or on other files. */
export type Job =
  | FileJob
  | PrepareJob
  | PreviewJob
  | TimeJob
  | {
      readonly type: 'generate';
      readonly config: RunConfig;
      readonly place: JobPlace;
      readonly checkpoint: string;
      readonly prompt: string;
      readonly sampling: WritingOptions;
    }
  | {
      readonly type: 'evaluate';
      readonly config: RunConfig;
      readonly place: JobPlace;
      readonly checkpoint: string;
      readonly datasetDir: string;
      readonly sequences: number;
    }
  | {
      readonly type: 'hellaswag';
      readonly config: RunConfig;
      readonly place: JobPlace;
      readonly checkpoint: string;
      /** Of the items; the first so many are taken, without those that are done. */
      readonly file: string;
      readonly items: number;
      readonly done: readonly number[];
    };

/** What comes of a job. */
export type FromJob =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'notice'; readonly text: string }
  | { readonly type: 'tokens'; readonly tokens: readonly WrittenToken[] }
  | { readonly type: 'progress'; readonly done: number; readonly total: number }
  | { readonly type: 'result'; readonly value: number; readonly tokens: number; readonly bytes: number }
  | { readonly type: 'scores'; readonly scores: readonly ItemScore[] }
  | { readonly type: 'timed'; readonly settings: ProgramSettings; readonly times: MeasuredTimes }
  | { readonly type: 'preparing'; readonly progress: PrepareProgress }
  | { readonly type: 'prepared'; readonly name: string; readonly cpuSeconds: number; readonly peakBytes: number }
  | { readonly type: 'previewed'; readonly preview: TextPreview }
  | { readonly type: 'staged'; readonly staged: StagedModel }
  | { readonly type: 'verified'; readonly files: number; readonly problems: readonly string[] }
  | EngineError
  | { readonly type: 'finished' };

/** The run can't start or go on, or a job failed: for a reason that the user can mend, or by a defect, which has a stack. */
export interface EngineError {
  readonly type: 'error';
  readonly message: string;
  readonly stack?: string;
  /** Where it is known what helps. */
  readonly failure?: FailureCause;
}

/** What the engine process tells the studio. */
export type FromEngine =
  | RunEvent
  | EngineError
  /** Asks that all that was sent before be stored, and for a `flushed` of this number. */
  | { readonly type: 'flush'; readonly id: number };
