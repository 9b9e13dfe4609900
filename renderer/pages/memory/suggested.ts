import type { PresetView, Suggestion } from '../../../electron/api/types.ts';
import { draft } from '../new/draft.svelte.ts';

/** Peak learning rates by size (Brown et al. 2020, table 2.1; below 50 million parameters nanoGPT's). */
const rates = [
  [50e6, 1e-3],
  [200e6, 6e-4],
  [500e6, 3e-4],
  [900e6, 2.5e-4],
  [Number.POSITIVE_INFINITY, 2e-4],
] as const;

/** A step has half a million tokens at most, and fewer where the run would have few steps. */
const maxTokensPerStep = 2 ** 19;
const wantedSteps = 4000;

/** A draft of a run with what was suggested, for as many tokens as its time allows. @param preset of its tokenizer */
export function takeSuggestion({ model, parameters, tokens, ...s }: Suggestion, preset: PresetView): void {
  const micro = s.batch * model.contextLength;
  const perStep = Math.min(maxTokensPerStep, tokens / wantedSteps);
  const tokensPerStep = micro * Math.max(1, Math.floor(perStep / micro));
  const steps = Math.max(2, Math.floor(tokens / tokensPerStep));
  const warmup = Math.max(1, Math.min(700, Math.floor(steps / 20)));
  const peak = rates.find(([size]) => parameters <= size)![1];
  const { nLayer, nHead, nEmbd, contextLength } = model;
  draft.take(preset);
  draft.set({
    ...{ 'model.nLayer': nLayer, 'model.nHead': nHead, 'model.nEmbd': nEmbd, 'model.contextLength': contextLength },
    ...{ 'model.dropout': 0, batch: s.batch, precision: s.precision, recompute: s.recompute, tokensPerStep },
    'optimizer.kind': s.optimizer,
  });
  const phase = { unit: 'steps' as const, optimizer: '', batch: '', data: [], rest: {} };
  draft.phases = [
    { ...phase, kind: 'warmup', length: String(warmup), from: '0', to: String(peak) },
    { ...phase, kind: 'cosine', length: String(steps - warmup), from: String(peak), to: String(peak / 10) },
  ];
}
