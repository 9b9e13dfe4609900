import { parseRunConfig } from '../electron/engine/run/config.ts';
import type { Studio } from '../electron/studio/studio.ts';

/** A run of 8 tokens a step that never trains: its record is what a test writes. This process holds it. @returns its id */
export function recordRun({ store }: Studio, name: string, steps: number): string {
  const tokensPerStep = 8;
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 8, nLayer: 1, nHead: 1, nEmbd: 8 },
    dataset: 'text',
    tokenizer: 'bytes',
    batch: 1,
    tokensPerStep,
    phases: [{ kind: 'constant', steps, from: 1e-3, to: 1e-3 }],
  });
  return store.runs.create({ name, config, device: 'cpu', stepsTotal: steps, tokensTotal: tokensPerStep * steps }).id;
}
