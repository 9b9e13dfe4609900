import type { HellaswagResult, ItemScore } from '../../evals/hellaswag/score.ts';
import type { OpTime } from '../devices/profile.ts';
import type { Phase } from './config.ts';
import type { LowBitStates, OptimizerKind } from '../optimizers/index.ts';

import type { PhaseChange } from './phaseChange.ts';
import type { LostMoments, WeightJump } from './stateWatch.ts';
import type { SystemMetrics } from './systemWatch.ts';
import type { DatasetDirs } from './data.ts';

/** What a user may ask of a run while it trains. */
export type Request = 'checkpoint' | 'evaluate' | 'sample';

/** One such request, which `asked` answers. */
export interface RequestOrder {
  readonly id: number;
  readonly what: Request;
}

/** A change of a run's later phases, to be made between two steps. */
export interface PhaseRequest {
  readonly id: number;
  readonly change: PhaseChange;
  /** Of the datasets that the new phases name. */
  readonly datasetDirs: DatasetDirs;
}

/** What a run tells on its way. Plain data: it crosses process boundaries. */
export type RunEvent =
  | { readonly type: 'started'; readonly step: number; readonly device: string; readonly memory: StartedMemory }
  /** The run goes on where products are multiplied in another way: another GPU, or another version of a library. */
  | { readonly type: 'otherBits'; readonly step: number }
  /** Moments were read in another format than the optimizer of the same kind keeps from here on. */
  | { readonly type: 'lowBitStates'; readonly step: number; readonly to: LowBitStates }
  | ({ readonly type: 'metrics' } & StepMetrics)
  /** What the engine begins to do. */
  | { readonly type: 'activity'; readonly step: number; readonly activity: Activity }
  | { readonly type: 'phase'; readonly step: number; readonly index: number; readonly kind: string }
  /** All phases of the run, as they are from here on. */
  | { readonly type: 'phases'; readonly step: number; readonly request: number; readonly phases: readonly Phase[] }
  | { readonly type: 'phasesRefused'; readonly step: number; readonly request: number; readonly reason: string }
  | {
      readonly type: 'optimizer';
      readonly step: number;
      readonly from: OptimizerKind;
      readonly to: OptimizerKind;
      readonly memory: MemoryReport;
    }
  | {
      readonly type: 'batch';
      readonly step: number;
      readonly from: number;
      readonly to: number;
      readonly memory: MemoryReport;
    }
  /** A step whose gradient was not finite: the weights stayed, its data is passed over. */
  | {
      readonly type: 'skip';
      readonly step: number;
      readonly loss: number;
      /** Steps skipped so far. */
      readonly skipped: number;
      /** What the loss was multiplied by; 1 where it is not scaled. */
      readonly lossScale: number;
    }
  /** Back to the checkpoint of step `to` (0: the beginning), past the data that led here. */
  | {
      readonly type: 'recovery';
      readonly step: number;
      readonly to: number;
      readonly reason: string;
      readonly recoveries: number;
    }
  | {
      readonly type: 'evaluation';
      readonly step: number;
      readonly valLoss: number;
      /** Targets, and the bytes of text that they stand for. */
      readonly tokens: number;
      readonly bytes: number;
    }
  /** The same loss over the validation data of another dataset than the run's own that it trains on. */
  | {
      readonly type: 'datasetLoss';
      readonly step: number;
      readonly dataset: string;
      readonly loss: number;
      readonly tokens: number;
      readonly bytes: number;
    }
  /** HellaSwag items whose scores are known; with the last of them `result` is. */
  | {
      readonly type: 'hellaswag';
      readonly step: number;
      /** Of the file of items: empty for the validation set. */
      readonly key: string;
      readonly scores: readonly ItemScore[];
      readonly result: HellaswagResult | null;
    }
  | {
      readonly type: 'sample';
      readonly step: number;
      readonly prompt: string;
      readonly seed: number;
      readonly text: string;
    }
  | {
      readonly type: 'checkpoint';
      readonly step: number;
      readonly path: string;
      readonly bytes: number;
      readonly best: boolean;
    }
  /** The answer to a request: it was done, or the run came to rest first. */
  | {
      readonly type: 'asked';
      readonly step: number;
      readonly request: number;
      readonly what: Request;
      readonly done: boolean;
    }
  | { readonly type: 'checkpointRemoved'; readonly step: number }
  /** Tensors with more second moments than usual that rounding has made 0. See `StateWatch`. */
  | {
      readonly type: 'lostMoments';
      readonly step: number;
      readonly optimizer: OptimizerKind;
      readonly lowBitStates: LowBitStates;
      /** The worst first. */
      readonly tensors: readonly LostMoments[];
    }
  /** Tensors whose weights have moved further than their optimizer can move them. See `StateWatch`. */
  | {
      readonly type: 'weightJump';
      readonly step: number;
      readonly optimizer: OptimizerKind;
      readonly lowBitStates: LowBitStates;
      /** The worst first. */
      readonly tensors: readonly WeightJump[];
      /** The sum of the learning rates since `from`. */
      readonly rates: number;
    }
  | { readonly type: 'profile'; readonly steps: number; readonly ops: readonly OpTime[] }
  | { readonly type: 'ended'; readonly outcome: Outcome };

export type Activity =
  | 'preparing'
  | 'waiting'
  | 'training'
  | 'evaluating'
  | 'sampling'
  | 'checkpointing'
  | 'switchingOptimizer'
  | 'recovering';

/** How a run's engine came to rest. */
export interface Outcome {
  readonly state: 'completed' | 'paused' | 'failed';
  readonly step: number;
  /** Of its phases. It is complete before them where it was told to finish. */
  readonly stepsTotal: number;
  readonly message: string;
}

/** What a step gave, and now and then what machine and device told meanwhile. */
export interface StepMetrics extends SystemMetrics {
  /** Optimizer steps taken, this one included. */
  readonly step: number;
  /** Mean cross-entropy over the step's targets, nats a token. */
  readonly loss: number;
  readonly learningRate: number;
  /** Global gradient norm before clipping. */
  readonly gradNorm: number;
  /** What the loss was multiplied by for its gradient; 1 in float32 and bfloat16. */
  readonly lossScale: number;
  readonly tokensSeen: number;
  readonly stepMs: number;
  readonly tokensPerSecond: number;
  readonly mfu: number;
  /** Resident memory of the engine process. */
  readonly memoryBytes: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

export interface MemoryReport {
  readonly plannedBytes: number;
  readonly allocatedBytes: number;
  /** What the device holds beside the plan: scratch memory of threads; the driver's context, kernels and recordings. */
  readonly overheadBytes: number;
  /** Of what is allocated, what lies in the host's memory, where the device has its own. */
  readonly hostBytes: number;
  /** What the device holds for later phases that need more than this one. */
  readonly reservedBytes: number;
  /** What it holds for the kernels and recordings of programs to come. */
  readonly moduleReserveBytes: number;
  /** Whose memory it is. */
  readonly device: string;
  readonly roleBytes: Readonly<Record<string, number>>;
}

/** What a run's memory is as it starts. */
export interface StartedMemory extends MemoryReport {
  /** Of the overhead, what a GPU's driver took before programs were loaded, where that can be measured. */
  readonly contextBytes?: number;
}
