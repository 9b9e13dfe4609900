import type { EvalView, PublishedRun, Series, SeriesName } from '../../electron/api/types.ts';
import { formatCount, formatDigits } from '../format.ts';
import { api } from '../state/api.ts';
import { theme } from '../state/theme.svelte.ts';
import { chartText, measureText } from './text.ts';
import { phaseKinds } from '../text.ts';
import type { Band } from './annotations.ts';
import { type ChartedRun, type RunGroup, scaleOf } from './chartedRun.ts';
import { colorInOrder, colorOf, validationDash } from './colors.ts';
import type { Plotted } from './drawing.ts';
import { FinerSeries } from './finer.svelte.ts';
import { type Marker, markersOf } from './markers.ts';
import { type Line, meanAndRange, onAxis, type Range, refine, smooth, spacingOf } from './pipeline/index.ts';
import { countGpt2Tokens, lossUnitOf } from './units.ts';
import { chartView as view } from './view.svelte.ts';

const lineOf = (points: Series['measures'][SeriesName] | undefined): Line => ({
  x: points?.steps ?? [],
  y: points?.values ?? [],
});

/** Among several runs, which have a color each, further datasets are told apart by dashes. */
const datasetDashes = [
  [6, 3],
  [2, 3],
  [10, 3, 2, 3],
] as const;

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
  readonly #groups: () => readonly RunGroup[];
  readonly #finer = new FinerSeries();
  #published = $state.raw<readonly PublishedRun[]>([]);

  /**
   * To be called while a component is made: it reads more where that is wanted.
   * @param groups in which runs are drawn as one; none: each by itself
   */
  constructor(runs: () => readonly ChartedRun[], groups: () => readonly RunGroup[] = () => []) {
    this.#runs = runs;
    this.#groups = groups;
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

  /** A run's color, among several. */
  #colorOf(run: ChartedRun): string {
    return colorInOrder(run.order ?? this.runs.indexOf(run), theme.shown);
  }

  /**
   * Each group's lines as one, where there are groups.
   * @param plots of the runs
   * @param kind what they are of, where one chart has several
   */
  #grouped(plots: readonly (Plotted & { readonly run: string })[], kind?: { key: string; label: string }): Plotted[] {
    const groups = this.#groups();
    if (groups.length === 0) return plots.map(({ run: _run, ...plot }) => plot);
    return groups.flatMap(({ key, label, runs }, i): Plotted[] => {
      const [first, ...others] = plots.filter((plot) => runs.includes(plot.run));
      if (!first) return [];
      const { mean, low, high } = meanAndRange([first, ...others].map((plot) => plot.smoothed ?? plot.line));
      return [
        {
          key: kind ? `group:${key}.${kind.key}` : `group:${key}`,
          label: kind ? `${label}, ${kind.label}` : label,
          line: mean,
          spread: { low, high },
          color: colorInOrder(i, theme.shown),
          ...(first.dash ? { dash: first.dash } : {}),
          ...(first.sparse ? { sparse: true } : {}),
        },
      ];
    });
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
  #smoothed(run: ChartedRun, name: SeriesName): Line {
    const spacing = spacingOf(lineOf(run.series?.means[name]), run.series?.width ?? 1);
    return smooth(this.#meansOf(run, name), view.smoothing, spacing);
  }

  /** From the first step of all runs to the last: over it is drawn what not every step has, so that charts above each other agree. */
  readonly extent = $derived.by((): Range | undefined => {
    const ends = this.runs.flatMap((run) => {
      const steps = run.series?.times.steps ?? [];
      return steps.length === 0 ? [] : [steps[0]!, steps[steps.length - 1]!].map((step) => this.#placedAt(run, step));
    });
    return ends.length === 0 ? undefined : { min: Math.min(...ends), max: Math.max(...ends) };
  });

  /** Whether anything of a measure is there, of any run. */
  has(name: SeriesName): boolean {
    return this.runs.some(({ series }) => (series?.measures[name].steps.length ?? 0) > 0);
  }

  #meansOf({ series, id }: ChartedRun, name: SeriesName): Line {
    return refine(lineOf(series?.means[name]), lineOf(this.#finer.all[id]?.means[name]));
  }

  /** A measure of each run. @param n alone, its lines are colored by measure: which one this is */
  measured(
    name: SeriesName,
    n: number,
    { label = measureText[name], smoothed = false }: { label?: string; smoothed?: boolean } = {},
  ): Plotted[] {
    const isSmoothed = smoothed && view.smoothing > 0;
    const isGrouped = this.#groups().length > 0;
    const plots = this.runs.map((run) => {
      // The extremes of intervals have no mean that means something.
      const line = isGrouped
        ? this.#meansOf(run, name)
        : refine(lineOf(run.series?.measures[name]), lineOf(this.#finer.all[run.id]?.measures[name]));
      return {
        run: run.id,
        key: this.#alone ? name : run.id,
        label: this.#alone ? label : this.#nameOf(run),
        line: this.#placed(run, line),
        thinned: this.#widthOf(run) > 1,
        ...(isSmoothed ? { smoothed: this.#placed(run, this.#smoothed(run, name)) } : {}),
        color: this.#alone ? colorOf(n, theme.shown) : this.#colorOf(run),
      };
    });
    return this.#grouped(plots);
  }

  readonly #groupNotes = $derived.by(() => [
    chartText.groups,
    ...(view.smoothing > 0 ? [chartText.smoothing(view.smoothing.toFixed(2))] : []),
  ]);

  /** What smoothed curves are. */
  readonly smoothingNotes = $derived.by(() => {
    if (this.#groups().length > 0) return this.#groupNotes;
    if (view.smoothing === 0) return [];
    const weight = view.smoothing.toFixed(2);
    const width = this.runs.reduce((max, run) => Math.max(max, this.#widthOf(run)), 1);
    return [width === 1 ? chartText.smoothing(weight) : chartText.smoothingMeans(weight, width)];
  });

  /** Validation losses of each run's own data, the best of them marked. */
  readonly evaluated = $derived.by(() => this.#grouped(this.#evaluated, { key: 'val', label: measureText.valLoss }));

  readonly #evaluated = $derived.by(() =>
    this.runs.map((run): Plotted & { readonly run: string } => {
      const own = run.evals.filter((e) => e.kind === 'validation' && e.dataset === '');
      const line = this.#validationLine(run, 'validation', '');
      const best = bestOf(line);
      return {
        run: run.id,
        key: this.#alone ? 'valLoss' : `${run.id}.val`,
        label: this.#alone ? measureText.valLoss : `${this.#nameOf(run)}, ${measureText.valLoss}`,
        line,
        sparse: true,
        ...(best === undefined ? {} : { best }),
        ...(this.unit === 'token' ? { beside: (x: number) => besideOf(own[line.x.indexOf(x)]?.bitsPerByte) } : {}),
        ...(this.#alone ? { color: colorOf(1, theme.shown) } : { color: this.#colorOf(run), dash: validationDash }),
      };
    }),
  );

  /** Of runs that train on several datasets, the validation losses of each. */
  readonly byDataset = $derived.by((): Plotted[] => {
    const several = this.runs.filter((run) => run.evals.some((e) => e.kind === 'datasetLoss'));
    return several.flatMap((run) => {
      const all = run.evals.filter((e) => e.kind === 'datasetLoss').map((e) => e.dataset);
      const names = all.filter((name, i) => all.indexOf(name) === i);
      return ['', ...names].map((name, i): Plotted => {
        const kind = name === '' ? 'validation' : 'datasetLoss';
        const label = name === '' ? run.dataset : name;
        return {
          key: `${run.id}.dataset.${name}`,
          label: this.#alone ? label : `${this.#nameOf(run)}, ${label}`,
          line: this.#validationLine(run, kind, name),
          sparse: true,
          color: this.#alone ? colorInOrder(i, theme.shown) : this.#colorOf(run),
          ...(this.#alone || i === 0 ? {} : { dash: datasetDashes[(i - 1) % datasetDashes.length]! }),
        };
      });
    });
  });

  #validationLine(run: ChartedRun, kind: string, dataset: string): Line {
    const all = run.evals.filter((e) => e.kind === kind && e.dataset === dataset);
    // Of evaluations whose text's length is not known, none is in bits per byte.
    const reported = this.unit === 'token' ? all : all.filter((e) => e.bitsPerByte !== null);
    return this.#placed(run, {
      x: reported.map((e) => e.step),
      y: reported.map((e) => (this.unit === 'token' ? e.value : e.bitsPerByte!)),
    });
  }

  /** What is to be known of the losses. */
  readonly lossNotes = $derived.by(() => {
    const unpublished = view.reference && !this.#comparable ? [chartText.noReference] : [];
    if (this.unit === 'token') return [...this.smoothingNotes, ...unpublished];
    const missing = this.runs.filter((_, i) => this.#evaluated[i]!.line.x.length === 0).map((run) => this.#nameOf(run));
    const names = missing.length > 0 ? [chartText.noBitsPerByte(missing.join(', '))] : [];
    return [chartText.tokenizersDiffer, ...names, ...unpublished];
  });

  /** HellaSwag accuracies: of each step the evaluation over most items. */
  readonly hellaswag = $derived.by(() => this.#grouped(this.runs.flatMap((run) => this.#hellaswagOf(run))));

  #hellaswagOf(run: ChartedRun): (Plotted & { readonly run: string })[] {
    const items = (e: EvalView) => parseInt(e.dataset);
    const all = run.evals.filter((e) => e.kind === 'hellaswag');
    const largest = all.filter((e) => all.every((o) => o.step !== e.step || items(o) <= items(e)));
    if (largest.length === 0) return [];
    return [
      {
        run: run.id,
        key: this.#alone ? 'hellaswag' : run.id,
        label: this.#alone ? measureText.hellaswag : this.#nameOf(run),
        line: this.#placed(run, { x: largest.map((e) => e.step), y: largest.map((e) => e.value) }),
        sparse: true,
        color: this.#alone ? colorOf(0, theme.shown) : this.#colorOf(run),
      },
    ];
  }

  /** Curves of published runs, where they can be laid over these. */
  references(value: 'valLoss' | 'hellaswag'): Plotted[] {
    if (!view.reference || view.axis === 'time' || !this.#comparable) return [];
    return this.#published.map(({ name, points, tokensPerStep }) => {
      const factor = view.axis === 'tokens' ? tokensPerStep : 1;
      return {
        key: name,
        label: name,
        line: { x: points.map((q) => q.step * factor), y: points.map((q) => q[value]) },
        color: colorOf(6, theme.shown),
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
    const [validation] = this.#evaluated;
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
