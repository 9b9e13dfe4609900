import type { Generated, Selectable } from 'kysely';
import type { MetricName } from './metrics/columns.ts';

/**
 * A number that may be NaN. SQLite turns a bound NaN into NULL, so NaN is stored as the text 'NaN' and NULL keeps the
 * meaning "not known". Infinities are ordinary REAL values.
 */
export type StoredNumber = number | 'NaN' | null;

export const toStored = (value: number | null | undefined): StoredNumber =>
  value === null || value === undefined ? null : Number.isNaN(value) ? 'NaN' : value;

export const fromStored = (value: StoredNumber): number | null => (value === 'NaN' ? Number.NaN : value);

export const runStates = ['queued', 'preparing', 'training', 'paused', 'completed', 'failed', 'interrupted'] as const;
export type RunState = (typeof runStates)[number];

/** What was called stopped before, another word for paused, is still in the files of runs. */
export const storedStates = [...runStates, 'stopped'] as const;
type StoredState = (typeof storedStates)[number];

export const stateOf = (stored: StoredState): RunState => (stored === 'stopped' ? 'paused' : stored);

export const jobStates = ['queued', 'running', 'done', 'paused', 'failed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];
/** Of jobs that are over. A training job is `paused` with its run: what resumes that is another job. */
export const endedStates = ['done', 'paused', 'failed', 'cancelled'] as const satisfies readonly JobState[];

/** Of a change of phases that one process asks of another. */
export type RunRequestState = 'open' | 'taken' | 'answered';

export type EventLevel = 'info' | 'warning' | 'error';

/** Tables as SQLite holds them: times are milliseconds since 1970, booleans 0 or 1, JSON is text. */
export interface Tables {
  runs: {
    /** Short key of the run in the other tables: a million metric rows don't repeat the id. */
    serial: Generated<number>;
    id: string;
    name: string;
    state: RunState;
    createdAt: number;
    updatedAt: number;
    startedAt: number | null;
    endedAt: number | null;
    config: string;
    device: string;
    step: number;
    stepsTotal: number | null;
    tokensSeen: number;
    tokensTotal: number | null;
    lastLoss: StoredNumber;
    bestValLoss: StoredNumber;
    message: string | null;
    /** Of a run that is complete: 1 where its user has stopped it before its phases had ended. */
    stoppedEarly: Generated<number>;
    /** The step at which its user has stopped it, until it is complete. */
    stopAt: number | null;
    /** What the request that made it is called: the same request asks for it again, and makes no other. */
    requestKey: string | null;
    archived: number;
    tags: Generated<string>;
    notes: Generated<string>;
    preset: string | null;
    pid: number | null;
    host: string | null;
    bootId: string | null;
    processStart: string | null;
    pidNamespace: string | null;
    heartbeat: number | null;
  };
  phases: { run: number; position: number; kind: string; step: number; time: number };
  metrics: { run: number; step: number } & Record<MetricName, StoredNumber>;
  rollups: {
    run: number;
    metric: number;
    level: number;
    bucket: number;
    count: number;
    nanStep: number | null;
    min: number | null;
    minStep: number | null;
    max: number | null;
    maxStep: number | null;
    sum: number | null;
  };
  evals: { run: number; step: number; kind: string; dataset: string; value: StoredNumber; data: string; time: number };
  itemScores: { run: number; step: number; task: string; item: number; data: string };
  samples: {
    id: Generated<number>;
    run: number;
    step: number;
    prompt: string;
    seed: number;
    text: string;
    time: number;
  };
  checkpoints: {
    run: number;
    step: number;
    path: string;
    valLoss: StoredNumber;
    bytes: number;
    createdAt: number;
    kept: number;
    best: number;
    machine: string | null;
  };
  runRequests: {
    id: Generated<number>;
    run: number;
    what: string;
    time: number;
    state: RunRequestState;
    refusal: string | null;
  };
  datasets: {
    name: string;
    path: string;
    tokenizer: string;
    trainTokens: number;
    valTokens: number;
    bytes: number;
    createdAt: number;
    data: string;
  };
  jobs: {
    id: Generated<number>;
    kind: string;
    title: string;
    input: string;
    run: string | null;
    slot: string | null;
    state: JobState;
    position: number;
    scheduled: number;
    createdAt: number;
    startedAt: number | null;
    endedAt: number | null;
    progress: string | null;
    output: string | null;
    result: string | null;
    message: string | null;
    attempts: Generated<number>;
    restarts: Generated<number>;
    cancelAsked: Generated<number>;
    pid: number | null;
    host: string | null;
    bootId: string | null;
    processStart: string | null;
    pidNamespace: string | null;
    heartbeat: number | null;
  };
  generations: {
    id: Generated<number>;
    run: string;
    name: string;
    step: number;
    prompt: string;
    text: string;
    settings: string;
    notices: string;
    tokens: string;
    time: number;
  };
  jobLog: { id: Generated<number>; job: number; time: number; message: string };
  events: {
    id: Generated<number>;
    run: number;
    time: number;
    step: number | null;
    level: EventLevel;
    kind: string;
    message: string;
    data: string | null;
  };
}

export type RunRow = Selectable<Tables['runs']>;
