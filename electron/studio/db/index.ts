export { type MetricRow, MetricsWriter, type SeriesPoint, type SeriesRange } from './metrics.ts';
export { type EventLevel, type MetricColumn, metricColumns, type RunState, runStates } from './schema.ts';
export { type Checkpoint, type Evaluation, type Event, type NewRun, type Run, type Sample, Store } from './store.ts';
