/** What crosses the API: plain data, seen by the window as it is written here. */
import type { ConfigProblem, Phase, RunConfig } from '../engine/run/config.ts';
import { systemMetricNames } from '../engine/run/systemWatch.ts';
import type { Preset, PresetSource } from '../engine/run/presets.ts';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import type { Suggestion } from '../engine/fit/suggest.ts';
import type { PlanReport } from '../studio/planning/reports.ts';
import type { FoundDevice } from '../engine/devices/kind.ts';
import type { GenerateInput } from '../studio/jobs/inputs.ts';
import type { GenerationRecord, JobRecord } from '../studio/store/index.ts';

export type { ConfigProblem, Phase, RunConfig } from '../engine/run/config.ts';
export type { Section } from '../base/setting.ts';
export type { Setting } from '../engine/run/settings.ts';
export type { MixPart } from '../data/sampling/mix.ts';
export type { DataRead } from '../studio/run/dataRead.ts';
export type { EvalRow } from '../studio/evals.ts';
export type { BudgetPart } from '../studio/budget.ts';
export type { TimeEstimate, TimeReport } from '../studio/time/estimate.ts';
export type { Suggestion } from '../engine/fit/suggest.ts';
export type { MatrixReport, PlanReport } from '../studio/planning/reports.ts';
export type { DeviceChoice, DeviceKindView, TrainingDevice } from '../engine/devices/choose.ts';
export type { FoundDevice } from '../engine/devices/kind.ts';
export type { OptimizerKind } from '../engine/optimizers/index.ts';
export type { MemoryReport } from '../engine/run/events.ts';
export type { Settings } from '../studio/settings.ts';
export type { TokenizerChoice } from '../studio/tokenizers.ts';
export type { TokenizerName } from '../data/tokenizers/types.ts';

/** An optimizer, as lists to choose from have it. */
export interface OptimizerView {
  readonly kind: string;
  /** For people: `AdamW 8-bit`. */
  readonly label: string;
  /** For people: `AdamW with moments in 8 bits`. */
  readonly about: string;
  /** Whether the setting of low-bit states means something to it. */
  readonly lowBit: boolean;
}

export type RunStateName = 'queued' | 'preparing' | 'training' | 'paused' | 'completed' | 'failed' | 'interrupted';

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
  /** It is complete, and its user has stopped it before its phases had ended. */
  readonly stoppedEarly: boolean;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly step: number;
  readonly stepsTotal: number | null;
  readonly tokensSeen: number;
  readonly tokensTotal: number | null;
  /** Of its last steps, while it trains here or elsewhere; null before the first, and of a run at rest. */
  readonly tokensPerSecond: number | null;
  /** How long it has trained: what it rested between two sessions does not count. Null before its first step. */
  readonly trainedMs: number | null;
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
  /** What it is validated on. */
  readonly dataset: string;
  /** All that it trains on, by name. */
  readonly data: string;
  readonly optimizer: string;
  readonly precision: string;
  readonly device: DeviceChoice;
  readonly tags: readonly string[];
  readonly notes: string;
  readonly preset: string | null;
  readonly archived: boolean;
}

/** What is new in a list of runs. */
export interface RunsUpdate {
  readonly changed: readonly RunView[];
  /** The ids of all, in order: one that is missing is gone. */
  readonly order: readonly string[];
}

/** What is done to many runs at once. */
export type BulkAct =
  | { readonly act: 'archive' | 'unarchive' | 'remove' | 'pause' | 'stop' }
  /** Of tags, those to add and those to take away. */
  | { readonly act: 'tag'; readonly add: readonly string[]; readonly remove: readonly string[] };

/** What came of it. */
export interface BulkResult {
  /** Ids of the runs that it was done to. */
  readonly done: readonly string[];
  readonly refused: readonly { readonly id: string; readonly name: string; readonly reason: string }[];
}

export interface PhaseView {
  readonly phase: Phase;
  readonly index: number;
  /** First step, counted from 0. */
  readonly start: number;
  /** Those that are trained: fewer than `length` where it ends early. */
  readonly steps: number;
  /** Steps of the whole phase. */
  readonly length: number;
  readonly tokens: number;
  /** Learning rate of its last step. */
  readonly lastRate: number;
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
  /** Those that have begun, as others are put behind them: of a run that was stopped early the last ends where it was stopped. */
  readonly startedPhases: readonly Phase[];
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
  ...systemMetricNames,
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
  /** Of each step; null where nothing was told with it. */
  readonly measures: Readonly<Record<SeriesName, readonly (number | null)[]>>;
  /** More rows are there than were sent: the measures are to be read anew. */
  readonly skipped: boolean;
  readonly events: readonly EventView[];
  /** All of these, where any of them changed; else null. */
  readonly details: Pick<
    RunDetails,
    'phases' | 'startedPhases' | 'checkpoints' | 'evals' | 'samples' | 'config'
  > | null;
}

export interface PresetView {
  readonly name: string;
  readonly title: string;
  readonly tokensFrom: Preset['tokensFrom'];
  readonly sources: readonly PresetSource[];
  /** With the precision that it has on this machine's usual device. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly parameters: number;
}

export interface GpuView {
  readonly id: string;
  readonly name: string;
  readonly memoryMiB: number;
}

/** What a device can train in a time. */
export interface SuggestReport {
  /** The device, for people. */
  readonly on: string;
  readonly suggestions: readonly Suggestion[];
  /** How many times as many tokens/s there may be as was computed: at least, and at most. */
  readonly factors: readonly [low: number, high: number];
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
  /** All that it would train on, by name. */
  readonly data: string;
  /** What is to be known of it, and hinders nothing. */
  readonly notes: readonly string[];
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

export type { JobLogLine, JobProgress } from '../studio/store/index.ts';

/** A job as windows see it. What it writes comes with one that is followed; prompts stay in the studio. */
export type JobView = Omit<JobRecord, 'input' | 'output'> &
  Partial<Pick<JobRecord, 'input' | 'output'>> & {
    /** It failed for a defect: the studio's log says more. */
    readonly logged: boolean;
  };

/** What is new in the list of jobs. */
export interface JobsUpdate {
  readonly changed: readonly JobView[];
  /** The ids of all, in order: one that is missing is gone. */
  readonly order: readonly number[];
}

/** A text of the history, with how it was asked for. */
export type GenerationView = Omit<GenerationRecord, 'settings'> & {
  readonly settings: Omit<GenerateInput, 'id' | 'step' | 'prompt' | 'device'>;
};
export type { WrittenToken } from '../engine/use/generate.ts';

export type { Exported } from '../studio/jobs/kinds/export.ts';
export type { Generated } from '../studio/jobs/kinds/generate.ts';
export type { Imported } from '../studio/jobs/kinds/import.ts';
export type { Tokenized } from '../studio/jobs/kinds/tokenize.ts';
export type { Validated } from '../studio/jobs/kinds/validation.ts';
export type { Verified } from '../studio/jobs/kinds/verify.ts';
export type { HellaswagResult } from '../evals/hellaswag/score.ts';

export type { PreviewedDocument, TextPreview } from '../data/prepare/preview.ts';
export type { Unfinished as UnfinishedView } from '../data/prepare/unfinished.ts';

export interface DatasetLook {
  /** Decoded, cut where a token ends a document; the first and the last may be parts of documents. */
  readonly documents: readonly string[];
  readonly at: number;
  /** Tokens of the whole split. */
  readonly total: number;
}

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
