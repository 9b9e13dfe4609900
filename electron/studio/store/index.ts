/** The store: runs and all that is recorded of them, in SQLite. */
export type { CheckpointRecord, NewCheckpoint } from './checkpoints.ts';
export type { DatasetRecord, NewDataset } from './datasets.ts';
export { DamagedError } from './errors.ts';
export type { EvalRecord } from './evals.ts';
export type { RunEventRecord } from './events.ts';
export type { GenerationRecord } from './generations.ts';
export type { Bucket } from './metrics/buckets.ts';
export { type MetricName, type MetricsRow, metricNames, type StoredMetrics } from './metrics/columns.ts';
export type { SeriesOptions, SeriesPoint } from './metrics/series.ts';
export type { Measure } from './metrics/table.ts';
export type { MetricsWriter, WriterOptions } from './metrics/writer.ts';
export type { JobFilter, JobLogLine, JobNews, JobProgress, JobRecord, JobTable, NewJob } from './jobs.ts';
export type { OpenOptions } from './open.ts';
export type { PhaseRecord } from './phases.ts';
export type { NewRun, Run, RunFilter, RunPatch } from './runs.ts';
export type { SampleRecord } from './samples.ts';
export { type EventLevel, type JobState, jobStates, type RunState, runStates } from './schema.ts';
export { openStore, openToRead, recoverStore, Store, type StoreOptions } from './store.ts';
