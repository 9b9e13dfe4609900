import { formatBytes } from '../../base/format.ts';
import type { GpuBench } from '../bench/gpu.ts';
import { type GpuDescription, moduleReserve } from '../devices/gpu.ts';

/** Something that is claimed of a device, and whether it is so. */
export interface Claim {
  readonly claim: string;
  readonly ok: boolean;
  /** What was looked at, and what was found. */
  readonly detail: string;
}

/**
 * What is claimed of the driver's context, where it is known what that takes.
 * @param assumedBytes what is assumed of a driver that no run has measured
 */
export function claimsOfDriver(
  { overheadBytes }: Pick<GpuDescription, 'overheadBytes'>,
  assumedBytes: number,
): Claim[] {
  if (overheadBytes < 0) return [];
  const claim = `the driver's context takes no more than the ${formatBytes(assumedBytes)} that \`fit\` assumes`;
  return [{ claim, ok: overheadBytes <= assumedBytes, detail: formatBytes(overheadBytes) }];
}

/** How far the process may be from plan and overhead, relative. */
const maxOff = 0.01;
/** What other programs may take or give back meanwhile, where only what is free can be looked at: a desktop and a browser. */
const maxOfOthers = 64 * 2 ** 20;

/** What a bench says of memory, and whether it could time its steps. */
export function claimsOfBench({ steps }: GpuBench): Claim[] {
  const timed = steps.flatMap((s) => ('error' in s ? [] : [s]));
  const failed = steps.flatMap((s) => ('error' in s && s.missingBytes === undefined ? [s] : []));
  const held = timed.flatMap(({ plannedBytes, memory }) => (memory ? [{ plannedBytes, ...memory }] : []));
  const offPlan = held.filter((h) => h.arenaBytes !== h.plannedBytes);
  const offBy = held.map((h) => Math.abs(h.processBytes - h.plannedBytes - h.overheadBytes));
  const allowed = held.map((h) => {
    const share = maxOff * (h.plannedBytes + h.overheadBytes);
    return h.isByDriver ? share : Math.max(share, maxOfOthers);
  });
  const isNear = offBy.every((off, i) => off <= allowed[i]!);
  const isByDriver = held.every((h) => h.isByDriver);
  const others = isByDriver ? '' : ` or ${formatBytes(maxOfOthers)}, for what is free is other programs' matter, too`;
  const some = held.length > 0;
  const none = 'no step could be looked at';
  return [
    {
      claim: 'arenas are the plan, to the byte',
      ok: some && offPlan.length === 0,
      detail: some ? `${held.length - offPlan.length} of ${held.length} steps` : none,
    },
    {
      claim: `the process holds plan and overhead, and no more while it trains, within ${100 * maxOff} %${others}`,
      ok: some && isNear,
      detail: some ? `${formatBytes(Math.max(...offBy))} off at most in ${held.length} steps` : none,
    },
    {
      claim: `kernels and CUDA graphs fit into the ${formatBytes(moduleReserve)} reserved for them`,
      ok: some && held.every((h) => h.moduleBytes <= moduleReserve),
      detail: some ? `${formatBytes(Math.max(...held.map((h) => h.moduleBytes)))} at most` : none,
    },
    {
      claim: 'whole steps are timed',
      ok: timed.length > 0 && failed.length === 0,
      detail:
        failed.length > 0
          ? failed.map((f) => f.error).join('; ')
          : `${timed.length} timed, ${steps.length - timed.length} do not fit this GPU`,
    },
  ];
}
