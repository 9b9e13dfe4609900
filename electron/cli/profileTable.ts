import type { OpTime } from '../engine/devices/profile.ts';
import { table } from './terminal/table.ts';

/** The calls of one kind, and the least time that they could take together, where that is known. */
interface Timed extends OpTime {
  readonly floorSeconds?: number | null;
}

/** Where the time of a number of steps went: calls and milliseconds of one step, and how near they are to their floors. */
export function profileTable(ops: readonly Timed[], steps: number): string {
  const seconds = ops.reduce((sum, o) => sum + o.seconds, 0);
  const ms = (s: number) => ((s * 1000) / steps).toFixed(3);
  const share = (part: number, whole: number) => `${((100 * part) / whole).toFixed(1)} %`;
  const withFloors = ops.some((o) => typeof o.floorSeconds === 'number');
  const rows = ops.map((o) => [
    o.kind,
    Math.round((10 * o.calls) / steps) / 10,
    ms(o.seconds),
    share(o.seconds, seconds),
    (o.flops / o.seconds / 1e9).toFixed(1),
    (o.bytes / o.seconds / 1e9).toFixed(1),
    ...(withFloors ? [ms(o.floorSeconds!), share(o.floorSeconds!, o.seconds)] : []),
  ]);
  const floors = withFloors ? ['floor, ms', 'floor / time'] : [];
  return table(['op', 'calls', 'ms', 'share', 'GFLOP/s', 'GB/s', ...floors], rows);
}
