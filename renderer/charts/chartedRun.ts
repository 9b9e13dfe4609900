import type { EvalView, EventView, PhaseView, Series } from '../../electron/api/types.ts';

/** What of a run is drawn. */
export interface ChartedRun {
  readonly id: string;
  readonly name: string;
  readonly tokenizer: string;
  /** The measured memory is the host's, then. */
  readonly onGpu: boolean;
  readonly series: Series | undefined;
  readonly evals: readonly EvalView[];
  readonly phases: readonly PhaseView[];
  readonly events: readonly EventView[];
  readonly checkpoints: readonly { readonly step: number }[];
}

/** What steps of a run are on other axes. */
export const scaleOf = (series: Series) => ({
  tokensPerStep: series.tokensPerStep,
  times: { x: series.times.steps, y: series.times.values },
});
