import { changes } from '../api/handlers/watch.ts';
import type { Studio } from '../studio/studio.ts';
import type { FromStudio, TrainingRun } from './messages.ts';
import { Pace } from './pace.ts';
import type { Pausing } from './pausing.ts';

/** Progress is reported no oftener. */
const everyMs = 250;

/**
 * Reports which runs train in a studio's own engines, how far they are, and what became of them.
 * @returns ends it
 */
export function watchTraining(studio: Studio, pausing: Pausing, report: (message: FromStudio) => void): () => void {
  let reported = '[[],false]';
  const paces = new Map<string, Pace>();
  let known = new Map<string, string>();
  const look = (): void => {
    if (!studio.store.isOpen) return;
    const runs: TrainingRun[] = studio.store.runs
      .list({ state: ['training', 'preparing'] })
      .filter(({ id }) => studio.training.handleOf(id) !== undefined)
      .map(({ id, name, step, stepsTotal, tokensSeen, tokensTotal }) => {
        const pace = paces.get(id) ?? new Pace();
        paces.set(id, pace);
        const secondsLeft = pace.secondsLeft(performance.now(), tokensSeen, tokensTotal);
        return { id, name, step, stepsTotal: stepsTotal ?? 0, secondsLeft };
      });
    for (const id of paces.keys()) if (!runs.some((run) => run.id === id)) paces.delete(id);
    const { canResume } = pausing;
    const news = JSON.stringify([runs, canResume]);
    if (news !== reported) report({ type: 'training', runs, canResume });
    reported = news;
    for (const id of known.keys()) {
      if (runs.some((run) => run.id === id) || !studio.store.runs.has(id)) continue;
      const { name, state, message, stoppedEarly } = studio.store.runs.get(id);
      const isAsked = state === 'paused' || state === 'queued' || stoppedEarly;
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
