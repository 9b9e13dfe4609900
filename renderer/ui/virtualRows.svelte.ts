import { createVirtualizer, defaultRangeExtractor, type VirtualItem } from '@tanstack/svelte-virtual';
import { untrack } from 'svelte';
import { fromStore } from 'svelte/store';

interface Options<T> {
  readonly entries: () => readonly T[];
  readonly keyOf: (entry: T) => string;
  readonly scroller: () => HTMLElement | undefined;
  /** Height of a row, pixels: of all of them, or about, where they are measured. */
  readonly rowPixels: number;
  /** The entry with the focus: it is kept, wherever the list is scrolled to. */
  readonly focused: () => string | undefined;
}

export interface ShownRow<T> {
  readonly item: VirtualItem;
  readonly entry: T;
  /** What is left out before it, pixels. */
  readonly gap: number;
}

/** The rows of a long table of which those alone are made that are seen. Called as a component is made. */
export function virtualRows<T>({ entries, keyOf, scroller, rowPixels, focused }: Options<T>) {
  const store = createVirtualizer<HTMLElement, HTMLTableRowElement>({
    count: 0,
    getScrollElement: () => scroller() ?? null,
    estimateSize: () => rowPixels,
    overscan: 6,
    initialRect: { width: innerWidth, height: innerHeight },
    scrollPaddingStart: rowPixels,
  });
  const virtual = fromStore(store);
  $effect(() => {
    void scroller();
    const all = entries();
    const held = focused();
    const kept = held === undefined ? -1 : all.findIndex((entry) => keyOf(entry) === held);
    const options = {
      count: all.length,
      getItemKey: (i: number) => (all[i] === undefined ? i : keyOf(all[i])),
      rangeExtractor: (range: Parameters<typeof defaultRangeExtractor>[0]) => {
        const seen = defaultRangeExtractor(range);
        return kept < 0 || seen.includes(kept) ? seen : [...seen, kept].sort((a, b) => a - b);
      },
    };
    untrack(() => virtual.current.setOptions(options));
  });
  const shown = $derived.by((): ShownRow<T>[] => {
    const all = entries();
    let end = 0;
    return virtual.current.getVirtualItems().flatMap((item): ShownRow<T>[] => {
      const entry = all[item.index];
      if (entry === undefined) return [];
      const gap = item.start - end;
      end = item.end;
      return [{ item, entry, gap }];
    });
  });
  const gapAfter = $derived(Math.max(0, virtual.current.getTotalSize() - (shown.at(-1)?.item.end ?? 0)));
  return {
    get shown(): readonly ShownRow<T>[] {
      return shown;
    },
    /** What is left out behind the last one, pixels. */
    get gapAfter(): number {
      return gapAfter;
    },
    /** Of a table whose rows are not of one height: an action of its rows, which have their place as `data-index`. */
    measure(row: HTMLTableRowElement) {
      untrack(() => virtual.current.measureElement(row));
      return { destroy: () => untrack(() => virtual.current.measureElement(null)) };
    },
    scrollTo(index: number): void {
      untrack(() => virtual.current.scrollToIndex(index, { align: 'center' }));
    },
  };
}
