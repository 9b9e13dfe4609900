import { router } from '../state/router.svelte.ts';
import type { AxisKind, Range } from './pipeline/index.ts';

/** Settings by their name in the address: where the browser remembers them, and what they are by default. */
const settings = {
  x: { kept: 'axis', defaults: 'step' },
  smooth: { kept: 'smoothing', defaults: '0.6' },
  log: { kept: 'log', defaults: '0' },
  outliers: { kept: 'outliers', defaults: 'cut' },
  ref: { kept: 'reference', defaults: '0' },
} as const;

type Setting = keyof typeof settings;
const names = Object.keys(settings) as Setting[];

/** Of a chart's own range of y: `y.loss=2.1_3.4`. */
const ownY = 'y.';

/** The weight of smoothing that is left between nothing and everything. */
const maxSmoothing = 0.99;

/**
 * How the charts of a page are looked at. It stands in the address, so that a link or a reload shows the same: once the axis is
 * written there, what is left out is as it is by default. An address that says nothing shows what was chosen last.
 */
class ChartView {
  /** The x that is read, over all charts. Values and places follow from it, whatever is zoomed or comes meanwhile. */
  cursor = $state.raw<number>();
  /** The chart that it is read on: it alone says what happened there. */
  reader = $state.raw<string>();

  readonly #hidden = $derived(new Set(router.query.getAll('hide')));
  readonly #zoom = $derived(rangeOf(router.query.get('zoom')));

  get axis(): AxisKind {
    return (['step', 'tokens', 'time'] as const).find((kind) => kind === this.#get('x')) ?? 'step';
  }
  set axis(kind: AxisKind) {
    this.#set({ x: kind });
    // What was zoomed into or read on another axis is nowhere on this one.
    this.cursor = undefined;
    router.look((query) => query.delete('zoom'));
  }

  /** The weight of what came before, from 0 to below 1. */
  get smoothing(): number {
    const weight = Number(this.#get('smooth'));
    return weight >= 0 && weight <= maxSmoothing ? weight : Number(settings.smooth.defaults);
  }
  set smoothing(weight: number) {
    this.#set({ smooth: String(weight) });
  }

  get logLoss(): boolean {
    return this.#get('log') === '1';
  }
  set logLoss(log: boolean) {
    this.#set({ log: log ? '1' : '0' });
  }

  get outliers(): 'show' | 'cut' {
    return this.#get('outliers') === 'show' ? 'show' : 'cut';
  }
  set outliers(outliers: 'show' | 'cut') {
    this.#set({ outliers });
  }

  get reference(): boolean {
    return this.#get('ref') === '1';
  }
  set reference(shown: boolean) {
    this.#set({ ref: shown ? '1' : '0' });
  }

  /** The x that are seen, of all charts of the page; all when undefined. */
  get zoom(): Range | undefined {
    return this.#zoom;
  }
  set zoom(range: Range | undefined) {
    router.look((query) => (range ? query.set('zoom', written(range)) : query.delete('zoom')));
  }

  /** The y that are seen of one chart; as many as its values take when undefined. */
  zoomY(chart: string): Range | undefined {
    return rangeOf(router.query.get(ownY + chart));
  }

  setZoomY(chart: string, range: Range | undefined): void {
    router.look((query) => (range ? query.set(ownY + chart, written(range)) : query.delete(ownY + chart)));
  }

  /** Whether any chart shows a part alone. */
  get isZoomed(): boolean {
    return this.zoom !== undefined || [...router.query.keys()].some((key) => key.startsWith(ownY));
  }

  resetZoom(): void {
    router.look((query) => {
      for (const key of [...query.keys()]) if (key === 'zoom' || key.startsWith(ownY)) query.delete(key);
    });
  }

  /** Curves that are not drawn, by their keys. */
  get hidden(): ReadonlySet<string> {
    return this.#hidden;
  }

  /** Hides curves, or shows them again if all of them are hidden. */
  toggle(...keys: readonly string[]): void {
    const all = keys.every((key) => this.hidden.has(key));
    this.#hide([...[...this.hidden].filter((key) => !keys.includes(key)), ...(all ? [] : keys)]);
  }

  /** Shows some of the curves alone; all of them, if they are alone already. */
  solo(keys: readonly string[], of: readonly string[]): void {
    const others = of.filter((key) => !keys.includes(key));
    const alone = keys.every((key) => !this.hidden.has(key)) && others.every((key) => this.hidden.has(key));
    const elsewhere = [...this.hidden].filter((key) => !of.includes(key));
    this.#hide([...elsewhere, ...(alone ? [] : others)]);
  }

  /** The chart that fills the window. */
  get full(): string | undefined {
    return router.query.get('full') ?? undefined;
  }
  set full(chart: string | undefined) {
    router.look((query) => (chart === undefined ? query.delete('full') : query.set('full', chart)));
  }

  /** Writes into the address what the browser remembers, where it says nothing yet. */
  pin(): void {
    if (!router.query.has('x')) this.#set({});
  }

  #get(name: Setting): string {
    const { kept, defaults } = settings[name];
    const said = router.query.has('x') ? router.query.get(name) : localStorage.getItem(`chart.${kept}`);
    return said ?? defaults;
  }

  #set(change: Partial<Record<Setting, string>>): void {
    const now = names.map((name) => [name, change[name] ?? this.#get(name)] as const);
    for (const [name, value] of now) if (name in change) localStorage.setItem(`chart.${settings[name].kept}`, value);
    router.look((query) => {
      for (const [name, value] of now) {
        if (name !== 'x' && value === settings[name].defaults) query.delete(name);
        else query.set(name, value);
      }
    });
  }

  #hide(keys: readonly string[]): void {
    router.look((query) => {
      query.delete('hide');
      for (const key of keys) query.append('hide', key);
    });
  }
}

const written = ({ min, max }: Range): string => `${+min.toPrecision(9)}_${+max.toPrecision(9)}`;

/** What an address says of a range; undefined where that is none. */
function rangeOf(said: string | null): Range | undefined {
  const [min = Number.NaN, max = Number.NaN] = (said ?? '')
    .split('_')
    .map((part) => (part === '' ? Number.NaN : +part));
  return Number.isFinite(min) && Number.isFinite(max) && min < max ? { min, max } : undefined;
}

export const chartView = new ChartView();
