import type { AxisKind, Range } from './pipeline/index.ts';

/** How charts are looked at: shared by those of a page, and kept for the next time. */
class ChartView {
  axis = $state<AxisKind>(read('axis', ['step', 'tokens', 'time'], 'step'));
  smoothing = $state(Number(localStorage.getItem('chart.smoothing') ?? 0.6));
  logLoss = $state(localStorage.getItem('chart.log') === '1');
  outliers = $state<'show' | 'cut'>(read('outliers', ['show', 'cut'], 'cut'));
  reference = $state(localStorage.getItem('chart.reference') === '1');

  keep(): void {
    localStorage.setItem('chart.axis', this.axis);
    localStorage.setItem('chart.smoothing', String(this.smoothing));
    localStorage.setItem('chart.log', this.logLoss ? '1' : '0');
    localStorage.setItem('chart.outliers', this.outliers);
    localStorage.setItem('chart.reference', this.reference ? '1' : '0');
  }
}

function read<T extends string>(name: string, choices: readonly T[], usual: T): T {
  return choices.find((c) => c === localStorage.getItem(`chart.${name}`)) ?? usual;
}

export const chartView = new ChartView();

export type { Range };
