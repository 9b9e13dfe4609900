import {
  Chart,
  Filler,
  LineController,
  LineElement,
  LinearScale,
  LogarithmicScale,
  PointElement,
  type Scale,
} from 'chart.js';
import annotation from 'chartjs-plugin-annotation';
import { type Snippet, untrack } from 'svelte';
import { chartText } from './text.ts';
import { type Band, annotationsOf, labelHeight } from './annotations.ts';
import { bandsOf, plotted, type Plotted, positive, ringsOf, trianglesOf } from './drawing.ts';
import type { Marker, MarkerKind } from './markers.ts';
import { colorNamed } from './picture.ts';
import {
  axisOf,
  type Line,
  logRangeOf,
  nearestPoint,
  nextX,
  outside,
  type Range,
  rangeOf,
  readingsAt,
  scaledRange,
  shiftedRange,
  within,
  zoomRange,
} from './pipeline/index.ts';
import type { Readout, Value } from './readings.ts';
import { scalesOf } from './scales.ts';
import { chartView as view } from './view.svelte.ts';

Chart.register(LineController, LineElement, LinearScale, LogarithmicScale, PointElement, Filler, annotation);

export interface ChartProps {
  title: string;
  /** Its name in the address; of its title when absent. */
  id?: string;
  /** What the values are in, where their name alone does not say it. */
  unit?: string | undefined;
  lines: readonly Plotted[];
  xName: string;
  /** Exact: for what is read. */
  formatX: (x: number) => string;
  formatY: (y: number) => string;
  /** For ticks, the shortest first: the first that tells them apart is taken. */
  ticksX?: readonly ((x: number) => string)[];
  ticksY?: readonly ((y: number) => string)[];
  /** The x that are shown at least, where there is anything. */
  extent?: Range | undefined;
  /** x is a whole number. */
  wholeX?: boolean;
  /** y is in bytes: ticks are round in KiB, MiB and so on. */
  bytesY?: boolean;
  bands?: readonly Band[];
  markers?: readonly Marker[];
  /** Markers are shown in a row of their own, where each can be pointed at. */
  eventRow?: boolean;
  /** What is to be known of the picture. */
  notes?: readonly string[];
  logY?: boolean;
  outliers?: 'show' | 'cut';
  /** CSS pixels. */
  height?: number;
  /** What lies over the picture, in its place. */
  over?: Snippet<[ChartController]>;
}

/** What is this near to the cursor is read, pixels. */
const reach = 6;
/** A part of all x that is not zoomed into further: one in a million. */
const smallestPart = 1e-6;
/** Notes of one readout: more would cover the picture. */
const maxNotes = 4;

const markerColors: Readonly<Partial<Record<MarkerKind, string>>> = {
  optimizer: '--accent',
  batch: '--accent',
  phases: '--accent',
  resume: '--good',
  pause: '--text-3',
  recovery: '--bad',
  fail: '--bad',
  interrupt: '--warn',
  skip: '--warn',
  warning: '--warn',
};

/** The color of what happened, as a name in app.css. */
export const markerColor = (kind: MarkerKind): string => markerColors[kind] ?? '--text-3';

const slug = (title: string): string => title.toLowerCase().replace(/[^a-z0-9]+/g, '-');

/** A chart's name in the address. */
export const idOf = ({ id, title }: Pick<ChartProps, 'id' | 'title'>): string => id ?? slug(title);

function inside({ x, y }: Line, { min, max }: Range): Line {
  const is = x.map((v) => v >= min && v <= max);
  return { x: x.filter((_, i) => is[i]), y: y.filter((_, i) => is[i]) };
}

/** Every line of a plot, changed. */
const withLines = (plot: Plotted, change: (line: Line) => Line): Plotted => ({
  ...plot,
  line: change(plot.line),
  ...(plot.smoothed ? { smoothed: change(plot.smoothed) } : {}),
  ...(plot.spread ? { spread: { low: change(plot.spread.low), high: change(plot.spread.high) } } : {}),
});

/** One chart: which part of its lines is seen, what is read of them, and the picture that Chart.js draws. */
export class ChartController {
  readonly props: ChartProps;
  chart = $state.raw<Chart<'line'>>();
  /** Counts pictures: what is placed over one follows it. */
  pictures = $state(0);

  constructor(props: ChartProps) {
    this.props = props;
  }

  readonly id = $derived.by(() => idOf(this.props));
  readonly fileName = $derived.by(() => slug(this.props.title));
  readonly heading = $derived.by(() => {
    const { title, unit } = this.props;
    return unit === undefined ? title : `${title}, ${unit}`;
  });
  readonly #log = $derived.by(() => this.props.logY ?? false);
  /** Lines that nobody has hidden. */
  readonly lines = $derived.by(() => this.props.lines.filter(({ key }) => !view.hidden.has(key)));
  readonly zoomY = $derived.by(() => {
    const range = view.zoomY(this.id);
    return range && !(this.#log && range.min <= 0) ? range : undefined;
  });
  readonly isZoomed = $derived.by(() => view.zoom !== undefined || this.zoomY !== undefined);

  readonly #seen = $derived.by(() => {
    const { zoom } = view;
    return zoom ? this.lines.map((l) => withLines(l, (line) => within(line, zoom.min, zoom.max))) : this.lines;
  });
  readonly #placed = $derived.by(() => (this.#log ? this.#seen.map((l) => withLines(l, positive)) : this.#seen));
  /** What was measured in the picture, without the points beyond its edges that lines are drawn to. */
  readonly measured = $derived.by(() => {
    const { zoom } = view;
    return this.#seen.map(({ line }) => (zoom ? inside(line, zoom) : line));
  });
  readonly #ends = $derived.by(() =>
    this.props.lines.flatMap(({ line: { x } }) => (x.length > 0 ? [x[0]!, x[x.length - 1]!] : [])),
  );
  readonly isEmpty = $derived.by(() => this.lines.every(({ line }) => line.x.length === 0));
  /** There is something to draw, if it were not hidden. */
  readonly hasHidden = $derived.by(() => this.#ends.length > 0);

  /** All x that there are. */
  readonly #wholeX = $derived.by((): Range => {
    if (this.#ends.length === 0) return { min: 0, max: 1 };
    const { extent } = this.props;
    const ends = extent ? [...this.#ends, extent.min, extent.max] : this.#ends;
    const [min, max] = [ends.reduce((a, b) => Math.min(a, b)), ends.reduce((a, b) => Math.max(a, b))];
    if (min < max) return { min, max };
    // One point stands in the middle.
    const room = this.props.wholeX || min === 0 ? 1 : Math.abs(min) / 2;
    return { min: min - room, max: max + room };
  });
  readonly #rangeX = $derived.by(() => view.zoom ?? this.#wholeX);
  readonly #rangeY = $derived.by(() => {
    if (this.zoomY) return this.zoomY;
    const seen = this.#seen.flatMap(({ line, spread }) => (spread ? [line, spread.low, spread.high] : [line]));
    return (this.#log ? logRangeOf : rangeOf)(seen, this.props.outliers ?? 'cut', view.zoom);
  });
  readonly #axisX = $derived.by(() => {
    const { ticksX, formatX, wholeX = false } = this.props;
    return axisOf(this.#rangeX, ticksX ?? [formatX], { count: 8, whole: wholeX });
  });
  readonly #axisY = $derived.by(() => {
    const { ticksY, formatY, bytesY = false } = this.props;
    return this.#rangeY && axisOf(this.#rangeY, ticksY ?? [formatY], { count: 6, log: this.#log, bytes: bytesY });
  });

  /** What the picture leaves out, and how it was made. */
  readonly notes = $derived.by(() => {
    const { measured } = this;
    const count = (is: (y: number) => boolean) => measured.reduce((n, { y }) => n + y.filter(is).length, 0);
    const min = this.lines.some((l) => l.thinned);
    const hidden = this.#axisY ? outside(this.#log ? measured.map(positive) : measured, this.#axisY) : 0;
    const bad = count(Number.isNaN);
    const low = this.#log ? count((v) => v <= 0) : 0;
    return [
      ...(this.props.notes ?? []),
      ...(hidden > 0 ? [chartText.hidden(hidden, min)] : []),
      ...(bad > 0 ? [chartText.notNumbers(bad, min)] : []),
      ...(low > 0 ? [chartText.notPositive(low, min)] : []),
    ];
  });

  /** The measured values where the cursor is, each at its own x. */
  readonly readout = $derived.by((): Readout | undefined => {
    void this.pictures;
    const scale = this.chart?.scales.x;
    if (!scale || view.cursor === undefined) return undefined;
    const pixels = (x: number) => scale.getPixelForValue(x);
    const inX = Math.abs(scale.getValueForPixel(scale.left + reach)! - scale.getValueForPixel(scale.left)!);
    const found = readingsAt(this.measured, view.cursor, inX);
    if (!found) return undefined;
    const { formatX } = this.props;
    const values = found.points.map(({ line, index, x }): Value => {
      const { key, label, color, smoothed, beside, best } = this.#seen[line]!;
      const average = smoothed?.y[nearestPoint(smoothed, x)];
      const value = this.number(this.measured[line]!.y[index]!);
      return {
        ...{ key, label, color },
        value: this.props.unit === undefined ? value : `${value} ${this.props.unit}`,
        beside: beside?.(x),
        smoothed: average === undefined || Number.isNaN(average) ? undefined : this.props.formatY(average),
        at: formatX(x) === formatX(found.x) ? undefined : formatX(x),
        best: x === best,
      };
    });
    const markers = view.reader === this.id ? (this.props.markers ?? []) : [];
    const near = markers.filter((m) => Math.abs(pixels(m.x) - pixels(found.x)) <= reach);
    const labels = near.map((m) => m.label);
    const notes = labels.filter((label, i) => labels.indexOf(label) === i).slice(0, maxNotes);
    return { x: found.x, left: pixels(found.x), values, notes };
  });

  /** A value as it is read. */
  number(y: number): string {
    return Number.isNaN(y) ? 'NaN' : this.props.formatY(y);
  }

  /** Draws on a canvas until the function returned is called. */
  attach(canvas: HTMLCanvasElement): () => void {
    const chart = new Chart<'line'>(canvas, {
      type: 'line',
      data: { datasets: [] },
      options: {
        animation: false,
        responsive: true,
        maintainAspectRatio: false,
        parsing: false,
        normalized: true,
        events: [],
        spanGaps: false,
        onResize: () => untrack(() => this.pictures++),
        plugins: {
          legend: { display: false },
          tooltip: { enabled: false },
          filler: { drawTime: 'beforeDatasetsDraw' },
          annotation: { annotations: [], clip: false },
        },
      },
    });
    this.chart = chart;
    return () => {
      this.chart = undefined;
      chart.destroy();
    };
  }

  /** Draws what there is. To be called in an effect: it is drawn again when any of it changes. */
  draw(): void {
    const { chart } = this;
    if (!chart) return;
    const { bands = [], markers = [] } = this.props;
    const [x, y] = [this.#axisX, this.#axisY];
    chart.data.datasets = [
      ...bandsOf(this.#placed),
      // Zoomed in, lines end at the edges beyond which they go on.
      ...plotted(this.#placed, view.zoom === undefined),
      ...ringsOf(this.#placed, colorNamed('--surface')),
      ...(y ? trianglesOf(this.#seen, y) : []),
    ];
    chart.options.scales = scalesOf(x, y, {
      name: this.props.xName,
      log: this.#log,
      text: colorNamed('--text-2'),
      grid: colorNamed('--line'),
    });
    chart.options.layout = { padding: { top: bands.length > 0 ? labelHeight : 0 } };
    chart.options.plugins!.annotation!.annotations = annotationsOf(bands, markers, x, {
      band: colorNamed('--band'),
      text: colorNamed('--text-3'),
      marker: (kind) => colorNamed(markerColor(kind)),
    });
    chart.update('none');
    untrack(() => this.pictures++);
  }

  /** Shows a part of x and of y; of x at least two points of a line, if there are as many. */
  zoomTo({ x, y }: { readonly x?: Range; readonly y?: Range }): void {
    if (x) {
      const lines = this.props.lines.map((l) => l.line);
      view.zoom = zoomRange(x, lines);
    }
    if (y) view.setZoomY(this.id, y);
  }

  /** Shows more or less of x around a value: all of it, when that is no more. */
  zoomX(factor: number, around: number): void {
    const [now, all] = [this.#rangeX, this.#wholeX];
    const smallest = (all.max - all.min) * smallestPart;
    if (factor < 1 && now.max - now.min <= smallest) return;
    const { min, max } = scaledRange(now, factor, around);
    if (min <= all.min && max >= all.max) view.zoom = undefined;
    else this.zoomTo({ x: { min: Math.max(min, all.min), max: Math.min(max, all.max) } });
  }

  /** Shows more or less of y around a value, or around the middle. */
  zoomYBy(factor: number, around?: number): void {
    const { min, max } = this.#scale('y');
    const middle = this.#log ? Math.sqrt(min * max) : (min + max) / 2;
    const range = scaledRange({ min, max }, factor, around ?? middle, this.#log);
    if (range.max > range.min) view.setZoomY(this.id, range);
  }

  /** Moves what is zoomed into by a part of its width, no further than there is something. */
  panX(part: number): void {
    const now = view.zoom;
    if (!now) return;
    const { min, max } = shiftedRange(now, part);
    const all = this.#wholeX;
    if (min < all.min) view.zoom = { min: all.min, max: all.min + (now.max - now.min) };
    else if (max > all.max) view.zoom = { min: all.max - (now.max - now.min), max: all.max };
    else view.zoom = { min, max };
  }

  panY(part: number): void {
    const { min, max } = this.#scale('y');
    view.setZoomY(this.id, shiftedRange({ min, max }, part, this.#log));
  }

  reset(): void {
    view.zoom = undefined;
    view.setZoomY(this.id, undefined);
  }

  /** Moves the cursor to the next point that was measured, a fiftieth of the picture away at least. */
  step(direction: 1 | -1): void {
    const { min, max } = this.#scale('x');
    const { readout } = this;
    const from = readout?.x ?? (min + max) / 2;
    view.cursor = nextX(this.measured, from, direction, readout ? (max - min) / 50 : 0);
  }

  /** Moves the cursor to the next event that is seen. @returns it, where there is one */
  nextMarker(direction: 1 | -1): Marker | undefined {
    const { min, max } = this.#scale('x');
    const from = view.cursor ?? (direction > 0 ? -Infinity : Infinity);
    const beyond = (this.props.markers ?? [])
      .filter(({ x }) => x >= min && x <= max && direction * (x - from) > 0)
      .sort((a, b) => direction * (a.x - b.x));
    const [next] = beyond;
    if (next) view.cursor = next.x;
    return next;
  }

  /** Where the middle of the picture is, or the cursor. */
  get focus(): number {
    const { min, max } = this.#scale('x');
    return this.readout?.x ?? (min + max) / 2;
  }

  #scale(axis: 'x' | 'y'): Scale {
    return this.chart!.scales[axis]!;
  }

  /** The value of an axis at a pixel of the canvas. */
  valueAt(axis: 'x' | 'y', pixel: number): number {
    return this.#scale(axis).getValueForPixel(pixel)!;
  }

  /** The ends of an axis as it is seen. */
  rangeOn(axis: 'x' | 'y'): Range {
    const { min, max } = this.#scale(axis);
    return { min, max };
  }
}
