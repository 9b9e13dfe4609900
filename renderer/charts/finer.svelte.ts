import { untrack } from 'svelte';
import type { Series } from '../../electron/api/types.ts';
import { api } from '../state/api.ts';
import { type ChartedRun, scaleOf } from './chartedRun.ts';
import { type Range, stepsWithin } from './pipeline/index.ts';
import { chartView as view } from './view.svelte.ts';

/** A zoom that has rested this long is read anew. Milliseconds. */
const restingMs = 150;
/** Points that are asked for of a measure. */
const points = 2000;

/** What is zoomed into, more finely than the whole: of each run by its id. */
export class FinerSeries {
  all = $state.raw<Readonly<Record<string, Series>>>({});
  /** Where it is known of all runs. */
  #known: Range | undefined;

  /** Reads it anew when the zoom has rested. To be called in an effect. @returns forgets what was asked for */
  follow(runs: () => readonly ChartedRun[]): (() => void) | undefined {
    const { zoom, axis } = view;
    const isWithin = zoom && this.#known && zoom.min >= this.#known.min && zoom.max <= this.#known.max;
    // What is zoomed into further is known as finely already, until it is known better.
    if (!isWithin) [this.all, this.#known] = [{}, undefined];
    if (!zoom) return undefined;
    let left = false;
    const timer = setTimeout(async () => {
      for (const { id, series } of untrack(runs)) {
        // Rows one by one are as fine as it gets.
        if (!series || series.width === 1) continue;
        const { from, to } = stepsWithin(zoom, axis, scaleOf(series));
        const found = await api.runs.series({ id, fromStep: from, toStep: to, points }).catch(() => undefined);
        if (left) return;
        if (found) this.all = { ...this.all, [id]: found };
      }
      this.#known = zoom;
    }, restingMs);
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }
}
