import type { Store } from '../studio/store/index.ts';
import { chart } from './terminal/chart.ts';

/** A run's training and validation loss as a chart of text. */
export function lossChart(store: Store, runId: string): string {
  const loss = store.readSeries(runId, 'loss', { points: 400 });
  const validation = store.listEvals(runId).filter((e) => e.kind === 'validation');
  return chart([
    { mark: '·', label: 'training loss (nats/token)', points: loss.map((p) => [p.step, p.value] as const) },
    { mark: '●', label: 'validation loss (nats/token)', points: validation.map((e) => [e.step, e.value] as const) },
  ]);
}
