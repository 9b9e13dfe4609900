import type { EvalView, PublishedRun, Series, SeriesName } from '../../electron/api/types.ts';
import { formatCount, formatDigits } from '../format.ts';
import { api } from '../state/api.ts';
import { theme } from '../state/theme.svelte.ts';
import { chartText, measureText } from './text.ts';
import { phaseKinds } from '../text.ts';
import type { Band } from './annotations.ts';
import { type ChartedRun, scaleOf } from './chartedRun.ts';
import { colourOf, lookOf } from './colours.ts';
import type { Plotted } from './drawing.ts';
import { FinerSeries } from './finer.svelte.ts';
import { type Marker, markersOf } from './markers.ts';
import { type Line, onAxis, refine, smooth } from './pipeline/index.ts';
import { countGpt2Tokens, lossUnitOf } from './units.ts';
import { chartView as view } from './view.svelte.ts';

const lineOf = (points: Series['measures'][SeriesName] | undefined): Line => ({
  x: points?.steps ?? [],
  y: points?.values ?? [],
});

/** A published run is drawn as no run here is. */
const referenceDash = [2, 3];

/** The best of some values: the least, and of several the first. */
const bestOf = ({ x, y }: Line): number | undefined => {
  const at = y.reduce<number>((best, v, i) => (Number.isFinite(v) && (best < 0 || v < y[best]!) ? i : best), -1);
  return at < 0 ? undefined : x[at];
};

/** From what was measured of some runs to the lines of their charts. */
export class RunLines {
  readonly #runs: () => readonly ChartedRun[];
  readonly #finer = new FinerSeries();
  #published = $state.raw<readonly PublishedRun[]>([]);

  /** To be called while a component is made: it reads more where that is wanted. */
  constructor(runs: () => readonly ChartedRun[]) {
    this.#runs = runs;
    $effect(() => this.#finer.follow(runs));
    $effect(() => {
      if (view.reference && this.#published.length === 0)
        void api.models.published().then((all) => (this.#published = all));
    });
  }

  readonly runs = $derived.by(() => this.#runs());
  readonly #alone = $derived.by(() => this.runs.length === 1);
  /** Losses of different tokenizers are laid over each other in bits per byte of text, or not at all. */
  readonly unit = $derived.by(() => lossUnitOf(this.runs));
  readonly #comparable = $derived.by(() => countGpt2Tokens(this.runs));

  /** Runs of the same name are told apart by their ids. */
  #nameOf(run: ChartedRun): string {
    return this.runs.some((r) => r !== run && r.name === run.name) ? `${run.name} (${run.id})` : run.name;
  }

  #placed({ series }: ChartedRun, line: Line): Line {
    return series ? onAxis(line, view.axis, scaleOf(series)) : { x: [], y: [] };
  }

  #placedAt(run: ChartedRun, step: number): number {
    return this.#placed(run, { x: [step], y: [0] }).x[0] ?? step;
  }

  /** Steps of an interval of what is seen of a run: zoomed into, its values are read one by one. */
  #widthOf({ id, series }: ChartedRun): number {
    return this.#finer.all[id]?.width ?? series?.width ?? 1;
  }

  /** Over steps, whatever the axis: how smooth a curve is does not depend on what it is drawn over. */
  #smoothed({ series, id }: ChartedRun, name: SeriesName): Line {
    const means = refine(lineOf(series?.means[name]), lineOf(this.#finer.all[id]?.means[name]));
    return smooth(means, view.smoothing, series?.width ?? 1);
  }

  /** A measure of each run. @param n alone, its lines are coloured by measure: which one this is */
  measured(
    name: SeriesName,
    n: number,
    { label = measureText[name], smoothed = false }: { label?: string; smoothed?: boolean } = {},
  ): Plotted[] {
    return this.runs.map((run) => {
      const line = refine(lineOf(run.series?.measures[name]), lineOf(this.#finer.all[run.id]?.measures[name]));
      const look = this.#alone ? { colour: colourOf(n, theme.shown) } : lookOf(run.id, theme.shown);
      return {
        key: this.#alone ? name : run.id,
        label: this.#alone ? label : this.#nameOf(run),
        line: this.#placed(run, line),
        thinned: this.#widthOf(run) > 1,
        ...(smoothed && view.smoothing > 0 ? { smoothed: this.#placed(run, this.#smoothed(run, name)) } : {}),
        ...look,
      };
    });
  }

  /** What smoothed curves are. */
  readonly smoothingNotes = $derived.by(() => {
    if (view.smoothing === 0) return [];
    const weight = view.smoothing.toFixed(2);
    const width = this.runs.reduce((max, run) => Math.max(max, this.#widthOf(run)), 1);
    return [width === 1 ? chartText.smoothing(weight) : chartText.smoothingMeans(weight, width)];
  });

  /** Validation losses of each run's own data, the best of them marked. */
  readonly evaluated = $derived.by(() =>
    this.runs.map((run): Plotted => {
      const own = run.evals.filter((e) => e.kind === 'validation' && e.dataset === '');
      // Of evaluations whose text's length is not known, none is in bits per byte.
      const reported = this.unit === 'token' ? own : own.filter((e) => e.bitsPerByte !== null);
      const line = this.#placed(run, {
        x: reported.map((e) => e.step),
        y: reported.map((e) => (this.unit === 'token' ? e.value : e.bitsPerByte!)),
      });
      const best = bestOf(line);
      return {
        key: this.#alone ? 'valLoss' : `${run.id}.val`,
        label: this.#alone ? measureText.valLoss : `${this.#nameOf(run)}, ${measureText.valLoss}`,
        line,
        sparse: true,
        ...(best === undefined ? {} : { best }),
        ...(this.unit === 'token' ? { beside: (x: number) => besideOf(reported[line.x.indexOf(x)]?.bitsPerByte) } : {}),
        ...(this.#alone ? { colour: colourOf(1, theme.shown) } : lookOf(run.id, theme.shown)),
      };
    }),
  );

  /** What is to be known of the losses. */
  readonly lossNotes = $derived.by(() => {
    const unpublished = view.reference && !this.#comparable ? [chartText.noReference] : [];
    if (this.unit === 'token') return [...this.smoothingNotes, ...unpublished];
    const missing = this.runs.filter((_, i) => this.evaluated[i]!.line.x.length === 0).map((run) => this.#nameOf(run));
    const names = missing.length > 0 ? [chartText.noBitsPerByte(missing.join(', '))] : [];
    return [chartText.tokenizersDiffer, ...names, ...unpublished];
  });

  /** HellaSwag accuracies: of each step the evaluation over most items. */
  readonly hellaswag = $derived.by(() =>
    this.runs.flatMap((run): Plotted[] => {
      const items = (e: EvalView) => parseInt(e.dataset);
      const all = run.evals.filter((e) => e.kind === 'hellaswag');
      const largest = all.filter((e) => all.every((o) => o.step !== e.step || items(o) <= items(e)));
      if (largest.length === 0) return [];
      return [
        {
          key: this.#alone ? 'hellaswag' : run.id,
          label: this.#alone ? measureText.hellaswag : this.#nameOf(run),
          line: this.#placed(run, { x: largest.map((e) => e.step), y: largest.map((e) => e.value) }),
          sparse: true,
          ...(this.#alone ? { colour: colourOf(0, theme.shown) } : lookOf(run.id, theme.shown)),
        },
      ];
    }),
  );

  /** Curves of published runs, where they can be laid over these. */
  references(value: 'valLoss' | 'hellaswag'): Plotted[] {
    if (!view.reference || view.axis === 'time' || !this.#comparable) return [];
    return this.#published.map(({ name, points, tokensPerStep }) => {
      const factor = view.axis === 'tokens' ? tokensPerStep : 1;
      return {
        key: name,
        label: name,
        line: { x: points.map((q) => q.step * factor), y: points.map((q) => q[value]) },
        colour: colourOf(6, theme.shown),
        dash: referenceDash,
        sparse: true,
      };
    });
  }

  #loss(value: number): string {
    return `${formatDigits(value, 5)} ${this.unit === 'token' ? chartText.perToken : chartText.perByte}`;
  }

  /** Phases of the one run there is. */
  readonly bands = $derived.by((): Band[] => {
    const [run] = this.runs;
    if (!run || !this.#alone) return [];
    return run.phases.map(({ phase, index, start, steps }) => ({
      from: this.#placedAt(run, start),
      to: this.#placedAt(run, start + steps),
      label: phaseKinds[phase.kind]!,
      odd: index % 2 === 1,
    }));
  });

  /** What happened to the one run there is. */
  readonly markers = $derived.by((): Marker[] => {
    const [run] = this.runs;
    if (!run || !this.#alone) return [];
    const times = run.series ? scaleOf(run.series).times : { x: [], y: [] };
    const [validation] = this.evaluated;
    const best = validation?.best;
    const value = best === undefined ? Number.NaN : validation!.line.y[validation!.line.x.indexOf(best)]!;
    return [
      ...run.checkpoints.map(({ step }): Marker => ({
        x: this.#placedAt(run, step),
        kind: 'checkpoint',
        label: chartText.checkpointOf(formatCount(step)),
      })),
      ...markersOf(run.events, times).map((marker) => ({ ...marker, x: this.#placedAt(run, marker.x) })),
      ...(best === undefined ? [] : [{ x: best, kind: 'best' as const, label: this.#loss(value) }]),
    ].sort((a, b) => a.x - b.x);
  });
}

const besideOf = (bits: number | null | undefined): string | undefined =>
  bits === null || bits === undefined ? undefined : `${formatDigits(bits, 5)} ${chartText.perByte}`;
