import fs from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { temporaryFolder } from '../../base/temporary.ts';
import { fallback } from '../../engine/devices/registry.ts';
import { type MetricName, type MetricsRow, metricNames } from './metrics/columns.ts';
import { openStore, type Store } from './store.ts';

export interface StoreBench {
  readonly rows: number;
  /** Time to store one step's metrics in batches, roll-ups included, in microseconds. */
  readonly insertMicroseconds: number;
  /** The same as a share of a training step of 10 ms. */
  readonly shareOfStep: number;
  /** One flush of ten rows, as a run of ten steps a second has each second: median, in milliseconds. */
  readonly smallFlushMs: number;
  readonly fileBytes: number;
  /** Decimated read, 1000 buckets: the slowest of several ranges, those with the most rows to merge among them. */
  readonly reads: readonly { readonly metric: MetricName; readonly ms: number; readonly points: number }[];
}

/** A row such as a run makes, with a noise that is the same every time. */
function benchRow(step: number): MetricsRow {
  const noise = Math.sin(step * 12.9898) * 0.5;
  return {
    step,
    time: 1.7e12 + step * 10,
    loss: 3 + 8 * Math.exp(-step / 1e5) + 0.1 * noise,
    learningRate: 6e-4 * (1 - step / 2e6),
    gradNorm: 1 + noise * 0.2,
    tokensPerSecond: 51200 + 100 * noise,
    mfu: 0.6 + 0.01 * noise,
    memoryBytes: 3e9 + (step % 1000),
    lossScale: 65536,
    stepMs: 10 + noise,
    tokensSeen: step * 512,
    skipped: 0,
    // Every few seconds, as of a run on a GPU.
    ...(step % 300 === 0
      ? {
          ...{ cpuUtilization: 0.1 + 0.01 * noise, cpuTemperature: 60, cpuPower: 80 + noise, machineMemoryBytes: 2e10 },
          ...{ gpuUtilization: 0.98, gpuTemperature: 70 + noise, gpuPower: 300 + noise, gpuMemoryBytes: 2e10 },
        }
      : {}),
  };
}

/** Measures the store at `rows` steps in a folder of its own, which is removed. */
export async function benchStore(rows = 1_000_000): Promise<StoreBench> {
  const folder = temporaryFolder('trainyard-bench-');
  const home = folder.dir;
  let store = openStore(home);
  try {
    const run = store.runs.create({ name: 'bench', config: {}, device: fallback.kind });
    const writer = store.metrics.writer(run.id);
    const started = performance.now();
    for (let step = 1; step <= rows; step++) {
      writer.add(benchRow(step));
      // A signal is noticed in between.
      if (step % 16_384 === 0) await setImmediate();
    }
    writer.close();
    const insertMicroseconds = ((performance.now() - started) * 1000) / rows;
    const smallFlushMs = timeSmallFlushes(store, run.id, rows);
    // Reads begin with nothing in SQLite's own cache.
    store.close();
    const fileBytes = fs.statSync(store.file).size;
    store = openStore(home, { readonly: true });
    const reads = metricNames.map((metric) => timeReads(store, run.id, metric, rows));
    return { rows, insertMicroseconds, shareOfStep: insertMicroseconds / 10_000, smallFlushMs, fileBytes, reads };
  } finally {
    store.close();
    folder.remove();
  }
}

function timeSmallFlushes(store: Store, id: string, from: number): number {
  const writer = store.metrics.writer(id);
  const times: number[] = [];
  for (let n = 0; n < 21; n++) {
    for (let i = 1; i <= 10; i++) writer.add(benchRow(from + n * 10 + i));
    const started = performance.now();
    writer.flush();
    times.push(performance.now() - started);
  }
  writer.close();
  return times.sort((a, b) => a - b)[10]!;
}

function timeReads(store: Store, id: string, metric: MetricName, rows: number): StoreBench['reads'][number] {
  const middle = Math.floor(rows * 0.4);
  const ranges = [
    {},
    { fromStep: 7, toStep: rows - 7 },
    { fromStep: Math.floor(rows * 0.99) },
    // Buckets of 8 rows, and of 8 roll-ups: one step wider and a coarser level serves.
    { fromStep: middle, toStep: middle + 7_900 },
    { fromStep: middle, toStep: middle + 127_000 },
  ];
  let ms = 0;
  let points = 0;
  for (const range of ranges) {
    const started = performance.now();
    const series = store.metrics.series(id, metric, { ...range, points: 1000 });
    ms = Math.max(ms, performance.now() - started);
    points = Math.max(points, series.length);
  }
  return { metric, ms, points };
}
