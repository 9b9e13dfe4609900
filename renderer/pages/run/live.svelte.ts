import type {
  EventView,
  Points,
  RunDetails,
  RunUpdate,
  RunView,
  Series,
  SeriesName,
} from '../../../electron/api/types.ts';
import type { Line } from '../../charts/pipeline/index.ts';
import { api, messageOf } from '../../state/api.ts';
import { subscribe } from '../../state/subscribe.ts';

/** Rows that are kept one by one behind the decimated measures; more are read anew, decimated. */
const maxRows = 4000;

const upTo = ({ steps, values }: Points, step: number): Points => {
  const end = steps.findLastIndex((s) => s <= step) + 1;
  return end === steps.length ? { steps, values } : { steps: steps.slice(0, end), values: values.slice(0, end) };
};

/** With what came; a step that nothing was reported with is no point. */
function joined(a: Points, steps: readonly number[], values: readonly (number | null)[]): Points {
  const reported = steps.flatMap((step, i) => {
    const value = values[i] ?? null;
    return value === null ? [] : [{ step, value }];
  });
  return {
    steps: [...a.steps, ...reported.map((t) => t.step)],
    values: [...a.values, ...reported.map((t) => t.value)],
  };
}

/** A run as it is now, for as long as somebody looks: its measures as lines, and all else that is known of it. */
export class LiveRun {
  run = $state.raw<RunView>();
  details = $state.raw<Omit<RunDetails, 'run' | 'events'>>();
  events = $state.raw<readonly EventView[]>([]);
  series = $state.raw<Series>();
  error = $state<string>();
  readonly id: string;
  #live = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** A measure over steps. */
  line(name: SeriesName): Line {
    const points = this.series?.measures[name];
    return points ? { x: points.steps, y: points.values } : { x: [], y: [] };
  }

  get times(): Line {
    const { times } = this.series ?? {};
    return times ? { x: times.steps, y: times.values } : { x: [], y: [] };
  }

  /** Fetches what there is and follows what comes. @returns stops */
  follow(): () => void {
    let stop = (): void => {};
    let left = false;
    void this.#fetch().then(() => {
      if (left || this.error !== undefined) return;
      stop = subscribe(
        (signal) => {
          const afterStep = this.series?.lastStep ?? -1;
          const afterEvent = this.events.at(-1)?.id ?? 0;
          return api.runs.watch({ id: this.id, afterStep, afterEvent }, { signal });
        },
        (update) => this.#take(update),
        (error) => (this.error = messageOf(error)),
      );
    });
    return () => {
      left = true;
      stop();
    };
  }

  async #fetch(): Promise<void> {
    try {
      const [{ run, events, ...details }, series] = await Promise.all([
        api.runs.get({ id: this.id }),
        api.runs.series({ id: this.id }),
      ]);
      this.run = run;
      this.events = events;
      this.details = details;
      this.series = series;
    } catch (error) {
      this.error = messageOf(error);
    }
  }

  #take(update: RunUpdate): void {
    const { run, details, events, resetAfter, skipped } = update;
    this.run = run;
    if (events.length > 0) this.events = [...this.events, ...events];
    if (details && this.details) this.details = { ...this.details, ...details };
    if (skipped || this.#live > maxRows) {
      this.#live = 0;
      api.runs.series({ id: this.id }).then(
        (series) => (this.series = series),
        () => (this.#live = maxRows + 1), // asked again with the next news
      );
      return;
    }
    if (update.steps.length === 0 && resetAfter === null) return;
    this.#live += update.steps.length;
    const { series } = this;
    if (!series) return;
    const kept = (points: Points) => (resetAfter === null ? points : upTo(points, resetAfter));
    // What was fetched meanwhile may hold some of these rows already.
    const last = resetAfter === null ? series.lastStep : Math.min(series.lastStep, resetAfter);
    const first = update.steps.findIndex((step) => step > last);
    const from = first < 0 ? update.steps.length : first;
    const steps = update.steps.slice(from);
    const grown = (old: Readonly<Record<SeriesName, Points>>) =>
      Object.fromEntries(
        (Object.keys(old) as SeriesName[]).map((name) => [
          name,
          joined(kept(old[name]), steps, update.measures[name].slice(from)),
        ]),
      ) as Record<SeriesName, Points>;
    // A row is an interval of its own. What an interval held of what was taken back is known by the studio alone.
    const [measures, means] = [grown(series.measures), grown(series.means)];
    if (resetAfter !== null && series.width > 1) this.#live = maxRows + 1;
    const times = joined(kept(series.times), steps, update.times.slice(from));
    this.series = { ...series, measures, means, times, lastStep: times.steps.at(-1) ?? -1 };
  }
}
