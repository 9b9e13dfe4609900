import { api } from './api.ts';
import { Load } from './load.svelte.ts';

/** What a run may be trained with, the default first. */
export const optimizers = new Load(() => api.studio.optimizers());

/** Fetches them once: they stay as they are. */
export function loadOptimizers(): void {
  if (!optimizers.value && !optimizers.pending) void optimizers.now();
}

/** The kind that is meant: an empty one leaves the default. */
export const chosenOptimizer = (kind: string): string => kind || (optimizers.value?.[0]?.kind ?? '');

/** For people: `AdamW 8-bit`. Until they are fetched it is the kind's own name. */
export const optimizerName = (kind: string): string => optimizers.value?.find((o) => o.kind === kind)?.label ?? kind;

/** Whether the setting of low-bit states means something to an optimizer. */
export const isLowBit = (kind: string): boolean =>
  optimizers.value?.some((o) => o.kind === chosenOptimizer(kind) && o.lowBit) ?? false;
