import { plural } from '../base/format.ts';
import type { Store } from '../studio/store/index.ts';
import { chart } from './terminal/chart.ts';

/** Intervals of steps at most: about a column each. */
const columns = 72;

/** A run's training and validation loss as a chart of text: means of training losses, each validation loss. */
export function lossChart(store: Store, runId: string): string {
  const { points, means, width } = store.metrics.measure(runId, 'loss', { points: columns });
  const validation = store.evals.list(runId).filter((e) => e.kind === 'validation' && e.dataset === '');
  const bad = points.filter((p) => !Number.isFinite(p.value)).length;
  const plotted = chart([
    {
      mark: '·',
      label:
        width === 1 ? 'training loss (nats/token)' : `training loss (nats/token, means of ${plural(width, 'step')})`,
      points: means.map((p) => [p.step, p.value] as const),
    },
    { mark: '●', label: 'validation loss (nats/token)', points: validation.map((e) => [e.step, e.value] as const) },
  ]);
  // Of each interval the first is known.
  const prefix = width === 1 ? '' : 'at least ';
  return bad === 0
    ? plotted
    : `${plotted}\n${' '.repeat(10)}${prefix}${plural(bad, 'step')} with a loss that is not finite`;
}
