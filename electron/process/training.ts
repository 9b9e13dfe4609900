import { changes } from '../api/handlers/watch.ts';
import type { Studio } from '../studio/studio.ts';
import type { FromStudio, TrainingRun } from './messages.ts';

/** Progress is reported no oftener. */
const everyMs = 250;

/**
 * Reports which runs train in a studio's own engines, how far they are, and what became of them.
 * @returns ends it
 */
export function watchTraining(studio: Studio, report: (message: FromStudio) => void): () => void {
  let reported = '[]';
  let known = new Map<string, string>();
  const look = (): void => {
    if (!studio.store.isOpen) return;
    const runs: TrainingRun[] = studio.store
      .listRuns({ state: ['training', 'preparing'] })
      .filter(({ id }) => studio.handleOf(id) !== undefined)
      .map(({ id, name, step, stepsTotal }) => ({ id, name, step, stepsTotal: stepsTotal ?? 0 }));
    const news = JSON.stringify(runs);
    if (news !== reported) report({ type: 'training', runs });
    reported = news;
    for (const id of known.keys()) {
      if (runs.some((run) => run.id === id) || !studio.store.hasRun(id)) continue;
      const { name, state, message } = studio.store.getRun(id);
      const isAsked = state === 'paused' || state === 'stopped' || state === 'queued';
      report({ type: 'rested', run: { name, state, message, isAsked } });
    }
    known = new Map(runs.map(({ id, name }) => [id, name]));
  };
  const ended = new AbortController();
  void (async () => {
    for await (const _ of changes(studio.ticker, ended.signal, everyMs)) look();
  })();
  return () => ended.abort();
}
