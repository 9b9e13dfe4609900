/** What crosses the API: plain data, seen by the window as it is written here. */
import type { ConfigProblem, Phase, RunConfig } from '../engine/config.ts';
import type { DeviceChoice } from '../engine/devices/usual.ts';
import type { PlanReport } from '../studio/planning/reports.ts';
import type { FoundDevice } from '../studio/devices.ts';
import type { HellaswagResult } from '../evals/hellaswag/score.ts';

export type { ConfigProblem, Phase, RunConfig } from '../engine/config.ts';
export type { MixPart } from '../data/mix.ts';
export type { DataRead } from '../studio/run/dataRead.ts';
export type { Written } from '../engine/generate.ts';
export type { EvalRow } from '../studio/evals.ts';
export type { BudgetPart } from '../studio/budget.ts';
export type { MatrixReport, PlanReport } from '../studio/planning/reports.ts';
export type { DeviceChoice } from '../engine/devices/usual.ts';
export type { FoundDevice, TrainingDevice } from '../studio/devices.ts';
export type { MemoryReport } from '../engine/trainer/events.ts';
export type { Settings } from '../studio/settings.ts';
export type { TokenizerChoice } from '../studio/tokenizers.ts';
export type { TokenizerName } from '../data/tokenizers/types.ts';

export type RunStateName = 'preparing' | 'training' | 'paused' | 'stopped' | 'completed' | 'failed' | 'interrupted';

/** A run as lists show it. */
export interface RunView {
  readonly id: string;
  readonly name: string;
  readonly state: RunStateName;
  /** It failed for a defect: the studio's log says more. */
  readonly logged: boolean;
  /** What it is doing, where this studio trains it: `training.cosine`, `evaluating`. Else its state. */
  readonly doing: string;
  /** It trains in a process of another studio or terminal. */
  readonly elsewhere: boolean;
  readonly message: string | null;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly step: number;
  readonly stepsTotal: number | null;
  readonly tokensSeen: number;
  readonly tokensTotal: number | null;
  /** Nats a token of its tokenizer. */
  readonly lastLoss: number | null;
  /** Nats a token of its tokenizer: not to be compared with one of another tokenizer. */
  readonly bestValLoss: number | null;
  /** The same in bits per byte of text, which can be compared; null where the text's length is not known. */
  readonly bestBitsPerByte: number | null;
  /** Bytes of text that a token of its validation data stands for: nats/byte = nats/token ÷ this. Null before its first validation. */
  readonly bytesPerToken: number | null;
  readonly tokenizer: string;
  readonly parameters: number;
  readonly dataset: string;
  readonly optimizer: string;
  readonly precision: string;
  readonly device: DeviceChoice;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly preset: string | null;
  readonly archived: boolean;
}

export interface PhaseView {
  readonly phase: Phase;
  readonly index: number;
  /** First step, counted from 0. */
  readonly start: number;
  readonly steps: number;
  readonly tokens: number;
  readonly optimizer: string;
  readonly batch: number;
  readonly data: string;
}

export interface CheckpointView {
  readonly step: number;
  readonly path: string;
  readonly bytes: number;
  readonly valLoss: number | null;
  readonly createdAt: number;
  readonly kept: boolean;
  readonly best: boolean;
}

export interface EvalView {
  readonly step: number;
  readonly kind: string;
  readonly dataset: string;
  readonly value: number;
  /** Of a validation loss, where the length of its text is known. */
  readonly bitsPerByte: number | null;
  readonly time: number;
  readonly data: unknown;
}

export interface SampleView {
  readonly id: number;
  readonly step: number;
  readonly prompt: string;
  readonly seed: number;
  readonly text: string;
}

export interface EventView {
  readonly id: number;
  readonly time: number;
  readonly step: number | null;
  readonly level: 'info' | 'warning' | 'error';
  readonly kind: string;
  readonly message: string;
  readonly data: unknown;
}

export interface RunDetails {
  readonly run: RunView;
  readonly config: RunConfig;
  /** What differs from its preset: dotted path, the preset's value, the run's. */
  readonly changes: readonly { readonly path: string; readonly preset: unknown; readonly run: unknown }[];
  readonly phases: readonly PhaseView[];
  readonly begunPhases: number;
  readonly checkpoints: readonly CheckpointView[];
  readonly evals: readonly EvalView[];
  readonly samples: readonly SampleView[];
  readonly events: readonly EventView[];
}

export const seriesNames = [
  'loss',
  'learningRate',
  'gradNorm',
  'tokensPerSecond',
  'memoryBytes',
  'lossScale',
  'mfu',
] as const;
export type SeriesName = (typeof seriesNames)[number];

/** Points of one measure: steps, and values of which NaN is one. */
export interface Points {
  readonly steps: readonly number[];
  readonly values: readonly number[];
}

/** Measures of a run over some steps. */
export interface Series {
  /** Each interval's smallest and largest value where they happened, its first NaN, and the first and the last value of all. */
  readonly measures: Readonly<Record<SeriesName, Points>>;
  /** The mean of each interval, in its middle. */
  readonly means: Readonly<Record<SeriesName, Points>>;
  /** Steps of an interval: 1 where every value is among the points. */
  readonly width: number;
  /** When steps were trained, milliseconds since 1970: for the time axis. */
  readonly times: Points;
  readonly tokensPerStep: number;
  /** The last step with metrics; -1 when there are none. */
  readonly lastStep: number;
}

/** What changed of a run since the listener last heard of it. */
export interface RunUpdate {
  readonly run: RunView;
  /** Rows after this step are not valid any more; those that are come below. Null: only new ones come. */
  readonly resetAfter: number | null;
  readonly steps: readonly number[];
  readonly times: readonly number[];
  readonly measures: Readonly<Record<SeriesName, readonly number[]>>;
  /** More rows are there than were sent: the measures are to be read anew. */
  readonly skipped: boolean;
  readonly events: readonly EventView[];
  /** All of these, where any of them changed; else null. */
  readonly details: Pick<RunDetails, 'phases' | 'begunPhases' | 'checkpoints' | 'evals' | 'samples' | 'config'> | null;
}

export interface PresetView {
  readonly name: string;
  readonly title: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: number;
}

export interface GpuView {
  readonly id: string;
  readonly name: string;
  readonly memoryMiB: number;
}

export interface DraftReport {
  readonly problems: readonly ConfigProblem[];
  /** The whole config, where nothing is wrong with it. */
  readonly config: RunConfig | null;
  readonly phases: readonly PhaseView[];
  /** The learning rate over the steps. */
  readonly rates: Points;
  readonly stepsTotal: number;
  readonly tokensTotal: number;
  readonly plan: PlanReport | null;
}

export interface DatasetView {
  readonly name: string;
  readonly tokenizer: string;
  readonly vocabSize: number;
  readonly trainTokens: number;
  readonly valTokens: number;
  readonly bytes: number;
  readonly createdAt: number;
  /** How many files it was made from, and the first of them. */
  readonly files: number;
  readonly sources: readonly { readonly path: string; readonly bytes: number }[];
  readonly documents: number;
  /** Lines that were no documents. */
  readonly bad: number;
  /** What validation is, where that is known, and what should be known of it besides: a line each. */
  readonly validation: string | null;
  readonly notes: readonly string[];
  /** Names of the runs that use it. */
  readonly runs: readonly string[];
  /** Why it can't be used. */
  readonly problem: string | null;
}

export type { Preparation as PrepareUpdate } from '../studio/prepare.ts';

export type { Unfinished as UnfinishedView } from '../data/corpus/unfinished.ts';

export interface DatasetCheck {
  readonly files: number;
  readonly problems: readonly string[];
}

export interface DatasetLook {
  /** Decoded, cut where a token ends a document; the first and the last may be parts of documents. */
  readonly documents: readonly string[];
  readonly at: number;
  /** Tokens of the whole split. */
  readonly total: number;
}

export type EvaluationUpdate =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'done'; readonly valLoss: number; readonly tokens: number; readonly bytes: number };

export type HellaswagUpdate =
  | { readonly kind: 'fetching'; readonly doneBytes: number; readonly totalBytes: number }
  | { readonly kind: 'progress'; readonly done: number; readonly total: number; readonly acc?: number }
  | { readonly kind: 'done'; readonly result: HellaswagResult };

export interface PublishedRun {
  readonly name: string;
  readonly tokensPerStep: number;
  readonly points: readonly { readonly step: number; readonly valLoss: number; readonly hellaswag: number }[];
  readonly notes: string;
}

/** Where defects are told, and what was last. */
export interface LogView {
  readonly file: string;
  readonly end: string;
}

export interface StudioInfo {
  readonly version: string;
  readonly home: string;
  /** Whether the window can show the system's own dialogs. */
  readonly desktop: boolean;
  readonly memoryBytes: number;
  readonly devices: readonly FoundDevice[];
}
