import type { EventView } from '../../../electron/api/types.ts';

export type FailureCause = 'diverged' | 'memory' | 'data';

/** Why a run that failed did so, where the studio knows what helps. */
export function causeOf(events: readonly EventView[]): FailureCause | undefined {
  const { data } = events.findLast((e) => e.kind === 'failed') ?? {};
  return (data as { cause?: FailureCause } | null | undefined)?.cause;
}
