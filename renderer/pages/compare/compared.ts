import type { EventView, RunDetails, RunView, Series } from '../../../electron/api/types.ts';

/** A run beside others. */
export interface Compared {
  readonly id: string;
  /** Its place among them, as `placesOf` gives it: its color. */
  readonly order: number;
  readonly run: RunView;
  readonly details: Omit<RunDetails, 'run' | 'events'>;
  readonly series: Series | undefined;
  readonly events: readonly EventView[];
}
