import type { OpTime } from '../engine/devices/profile.ts';
import { table } from './terminal/table.ts';

/** Where the time of a number of steps went: calls and milliseconds of one step. */
export function profileTable(ops: readonly OpTime[], steps: number): string {
  const seconds = ops.reduce((sum, o) => sum + o.seconds, 0);
  const rows = ops.map((o) => [
    o.kind,
    Math.round((10 * o.calls) / steps) / 10,
    ((o.seconds * 1000) / steps).toFixed(2),
    `${((100 * o.seconds) / seconds).toFixed(1)} %`,
    (o.flops / o.seconds / 1e9).toFixed(1),
    (o.bytes / o.seconds / 1e9).toFixed(1),
  ]);
  return table(['op', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s'], rows);
}
