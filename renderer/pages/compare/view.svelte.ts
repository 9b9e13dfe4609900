import { router } from '../../state/router.svelte.ts';
import { type MetricName, metricNames } from './metrics.ts';

/** How runs are compared: against which, by what, in which groups. It stands in the address. */
class CompareView {
  /** The id of the run that the others are held against; the first where nobody chose, or that is none of them. */
  base(ids: readonly string[]): string {
    const said = router.query.get('base');
    return ids.find((id) => id === said) ?? ids[0] ?? '';
  }

  setBase(id: string): void {
    router.look((query) => query.set('base', id));
  }

  get metric(): MetricName {
    const said = router.query.get('metric');
    return metricNames.find((name) => name === said) ?? 'valLoss';
  }
  set metric(metric: MetricName) {
    router.look((query) => (metric === 'valLoss' ? query.delete('metric') : query.set('metric', metric)));
  }

  /** `tag`, a setting as `setting:PATH`, or empty: each run by itself. */
  get group(): string {
    return router.query.get('group') ?? '';
  }
  set group(group: string) {
    router.look((query) => (group === '' ? query.delete('group') : query.set('group', group)));
  }
}

export const compareView = new CompareView();
