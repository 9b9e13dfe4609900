import type { Connection } from '../connection.ts';

/** Steps that a run's speed is told of: the last ones. */
const recentSteps = 20;

/** Tokens/s of a run's last steps; null where none of them says. */
export function recentSpeed(connection: Connection, run: number): number | null {
  return connection.guard(
    () =>
      connection
        .prepare(
          `SELECT avg(tokensPerSecond) FROM
           (SELECT tokensPerSecond FROM metrics WHERE run = ? ORDER BY step DESC LIMIT ${recentSteps})
           WHERE typeof(tokensPerSecond) IN ('real', 'integer')`,
        )
        .pluck()
        .get(run) as number | null,
  );
}

/**
 * How long a run has trained, in milliseconds: from each of its starts to the last step before the next one. Null where it has
 * neither. Each start is looked up by its step: the cost does not grow with the steps.
 */
export function trainedMs(connection: Connection, run: number): number | null {
  return connection.guard(
    () =>
      connection
        .prepare(
          `WITH starts AS (
             SELECT time, coalesce(lead(step) OVER (ORDER BY id), ${Number.MAX_SAFE_INTEGER}) AS until
             FROM events WHERE run = @run AND kind = 'started'
           ), sessions AS (
             SELECT time AS start,
               (SELECT time FROM metrics WHERE run = @run AND step <= until ORDER BY step DESC LIMIT 1) AS last
             FROM starts
           )
           SELECT sum(max(0, last - start)) FROM sessions`,
        )
        .pluck()
        .get({ run }) as number | null,
  );
}
