import type { EvalView, EventView, PhaseView, Series } from '../../electron/api/types.ts';

/** What of a run is drawn. */
export interface ChartedRun {
  readonly id: string;
  /** Which of the runs that are shown together it is: its color; its place among them when absent. */
  readonly order?: number;
  readonly name: string;
  readonly tokenizer: string;
  /** Its own, on whose validation data its best loss is taken. */
  readonly dataset: string;
  /** The measured memory is the host's, then. */
  readonly onGpu: boolean;
  readonly series: Series | undefined;
  readonly evals: readonly EvalView[];
  readonly phases: readonly PhaseView[];
  readonly events: readonly EventView[];
  readonly checkpoints: readonly { readonly step: number }[];
}

/** Runs that are drawn as one: their mean, and a band from the least to the greatest of them. */
export interface RunGroup {
  readonly key: string;
  readonly label: string;
  /** Ids of its runs. */
  readonly runs: readonly string[];
}

/** What steps of a run are on other axes. */
export const scaleOf = (series: Series) => ({
  tokensPerStep: series.tokensPerStep,
  times: { x: series.times.steps, y: series.times.values },
});
