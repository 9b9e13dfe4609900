import type { Generated } from 'kysely';

export const runStates = ['preparing', 'training', 'completed', 'stopped', 'failed', 'interrupted'] as const;
export type RunState = (typeof runStates)[number];

export type EventLevel = 'info' | 'warning' | 'error';

/** The tables as they are in the file; times are milliseconds since 1970, booleans 0 or 1. */
export interface Tables {
  runs: {
    id: string;
    name: string;
    state: RunState;
    message: string;
    config: string;
    device: string;
    createdAt: number;
    updatedAt: number;
    step: Generated<number>;
    stepsTotal: number;
    tokensSeen: Generated<number>;
    tokensTotal: number;
    lastLoss: number | null;
    bestValLoss: number | null;
    /** The process that trains it, and when that process last said so. */
    pid: number | null;
    host: string | null;
    heartbeat: number | null;
    archived: Generated<number>;
  };
  evals: { runId: string; step: number; kind: string; value: number | null; detail: string; time: number };
  samples: { runId: string; step: number; prompt: string; seed: number; text: string; time: number };
  checkpoints: { runId: string; step: number; path: string; bytes: number; best: number; time: number };
  events: {
    id: Generated<number>;
    runId: string;
    step: number | null;
    level: EventLevel;
    kind: string;
    message: string;
    data: string | null;
    time: number;
  };
}

/** Columns of the metrics, one value a step. */
export const metricColumns = [
  'loss',
  'learningRate',
  'gradNorm',
  'tokensSeen',
  'stepMs',
  'tokensPerSecond',
  'mfu',
  'memoryBytes',
  'time',
] as const;
export type MetricColumn = (typeof metricColumns)[number];

/** Steps of a bucket at each level of the roll-ups, finest first. */
export const rollupSteps = [16, 256, 4096] as const;
