import type { RunConfig } from '../config.ts';
import type { RunEvent } from '../trainer/events.ts';

/** What the studio tells the engine process. */
export type ToEngine =
  | {
      readonly type: 'start';
      readonly config: RunConfig;
      readonly datasetDir: string;
      readonly checkpointRoot: string;
      /** Folder of the checkpoint to go on from; absent in a fresh run. */
      readonly resumeFrom?: string;
    }
  | { readonly type: 'stop' }
  /** All that was sent before the `flush` of this number is stored. */
  | { readonly type: 'flushed'; readonly id: number };

/** What the engine process tells the studio. */
export type FromEngine =
  | RunEvent
  /** The run can't start or go on for a reason that the user can mend. */
  | { readonly type: 'error'; readonly message: string }
  /** Asks that all that was sent before be stored, and for a `flushed` of this number. */
  | { readonly type: 'flush'; readonly id: number };
