import type { Connection } from '../connection.ts';
import { fromStored, type StoredNumber } from '../schema.ts';
import type { RunSerials } from '../serials.ts';
import type { Bucket } from './buckets.ts';
import { type MetricName, metricNames, type StoredMetrics } from './columns.ts';
import { dropSome, insertMetrics, truncateMetrics } from './rows.ts';
import { readBuckets, readEnds, type SeriesOptions, type SeriesPoint, toMeans, toPoints } from './series.ts';
import { MetricsWriter, type WriterOptions } from './writer.ts';

/** What a chart draws of one measure. */
export interface Measure {
  readonly points: readonly SeriesPoint[];
  readonly means: readonly SeriesPoint[];
  /** Steps of an interval: 1 where every value is among the points. */
  readonly width: number;
}

/** Steps that a run's speed is told of: the last ones. */
const recentSteps = 20;

/** What is measured of each step of runs. */
export class MetricsTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /** Stores a run's metrics in batches; close it when the run rests. */
  writer(id: string, options?: WriterOptions): MetricsWriter {
    const serial = this.#serials.of(id);
    return new MetricsWriter((rows) => insertMetrics(this.#connection, serial, rows), options);
  }

  /** Whole rows in the order of their steps, fromStep..toStep included. */
  read(id: string, { fromStep = 0, toStep = Number.MAX_SAFE_INTEGER }: SeriesOptions = {}): StoredMetrics[] {
    const run = this.#serials.of(id);
    const rows = this.#connection.guard(() =>
      this.#connection
        .prepare(
          `SELECT step, ${metricNames.join(', ')} FROM metrics WHERE run = ? AND step BETWEEN ? AND ? ORDER BY step`,
        )
        .raw()
        .all(run, fromStep, toStep),
    ) as [number, ...StoredNumber[]][];
    return rows.map(([step, ...values]) => {
      const named = metricNames.map((name, i) => [name, fromStored(values[i] ?? null)] as const);
      return { step, ...Object.fromEntries(named) } as StoredMetrics;
    });
  }

  /** One measure for a chart: about 2 × `points` points at most, minima and maxima kept. */
  series(id: string, metric: MetricName, options?: SeriesOptions): SeriesPoint[] {
    return [...this.measure(id, metric, options).points];
  }

  /** One measure for a chart: its points, and the mean of each interval, which lies between them. */
  measure(id: string, metric: MetricName, options?: SeriesOptions): Measure {
    const buckets = this.buckets(id, metric, options);
    const points = toPoints(buckets, readEnds(this.#connection, this.#serials.of(id), metric, buckets, options));
    const [first, last] = [points[0]?.step ?? 0, points[points.length - 1]?.step ?? 0];
    const width = buckets[0] ? buckets[0].toStep - buckets[0].fromStep + 1 : 1;
    return { points, means: toMeans(buckets, [first, last]), width };
  }

  /** One measure for a chart with bands: count, minimum, maximum and sum of each interval. */
  buckets(id: string, metric: MetricName, options?: SeriesOptions): Bucket[] {
    return readBuckets(this.#connection, this.#serials.of(id), metric, options);
  }

  /** Tokens/s of a run's last steps; null where none of them says. */
  recentSpeed(id: string): number | null {
    return this.#number(
      `SELECT avg(tokensPerSecond) FROM
       (SELECT tokensPerSecond FROM metrics WHERE run = @run ORDER BY step DESC LIMIT ${recentSteps})
       WHERE typeof(tokensPerSecond) IN ('real', 'integer')`,
      id,
    );
  }

  /**
   * How long a run has trained, in milliseconds, without what it rested: from each of its starts to the last step before the next
   * one. Null before its first step. Each start is looked up by its step: the cost does not grow with the steps.
   */
  trainedMs(id: string): number | null {
    return this.#number(
      `WITH starts AS (
         SELECT time, coalesce(lead(step) OVER (ORDER BY id), ${Number.MAX_SAFE_INTEGER}) AS until
         FROM events WHERE run = @run AND kind = 'started'
       ), sessions AS (
         SELECT time AS start,
           (SELECT time FROM metrics WHERE run = @run AND step <= until ORDER BY step DESC LIMIT 1) AS last
         FROM starts
       )
       SELECT sum(max(0, last - start)) FROM sessions`,
      id,
    );
  }

  /** Deletes the rows of later steps (-1: all of them). */
  truncateAfter(id: string, step: number): void {
    const serial = this.#serials.changing(id);
    this.#connection.write(() => truncateMetrics(this.#connection, serial, step));
  }

  /** Deletes some rows of a run that is to be deleted. @returns whether more are left */
  dropSome(id: string, max: number): boolean {
    return dropSome(this.#connection, this.#serials.of(id), max);
  }

  /** The one number that a query about a run gives. */
  #number(text: string, id: string): number | null {
    const run = this.#serials.of(id);
    return this.#connection.guard(() => this.#connection.prepare(text).pluck().get({ run }) as number | null);
  }
}
