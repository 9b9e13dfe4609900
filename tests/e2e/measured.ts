import fs from 'node:fs';
import path from 'node:path';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig, type RunConfigInput } from '../../electron/engine/run/config.ts';
import type { MetricsRow } from '../../electron/studio/store/index.ts';
import type { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

export interface Measured {
  readonly rows: readonly Omit<MetricsRow, 'time'>[];
  /** Validation losses of the run's own data. */
  readonly evals?: readonly { readonly step: number; readonly value: number; readonly data?: unknown }[];
  readonly config?: Partial<RunConfigInput>;
}

/** A run that has ended and measured exactly this, without training. @returns its id */
export async function measuredRun(
  studio: Studio,
  name: string,
  { rows, evals = [], config = {} }: Measured,
): Promise<string> {
  const tokenizer = config.tokenizer ?? 'bytes';
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'she sells sea shells by the sea shore. '.repeat(300));
  const dataset = await prepareDataset({ home: studio.home, inputs: [file], tokenizer });
  const steps = rows.at(-1)?.step ?? 1;
  const run = await studio.runs.create(
    parseRunConfig({
      model: { vocabSize: tokenizer === 'bytes' ? 257 : 50257, contextLength: 64, nLayer: 1, nHead: 2, nEmbd: 64 },
      dataset: dataset.name,
      tokenizer,
      batch: 8,
      tokensPerStep: 512,
      phases: [{ kind: 'constant', steps, from: 1e-3, to: 1e-3 }],
      ...config,
    }),
    name,
  );
  const { store } = studio;
  const writer = store.metrics.writer(run.id, { maxRows: 4096 });
  for (const row of rows) writer.add({ time: 1.8e12 + 50 * row.step, tokensSeen: 512 * row.step, ...row });
  writer.close();
  for (const { step, value, data } of evals) store.evals.add(run.id, step, 'validation', value, data);
  store.runs.setState(run.id, 'training');
  store.runs.setState(run.id, 'completed', 'finished');
  return run.id;
}

/** Rows of the steps from 1 on. */
export const rowsOf = (steps: number, loss: (step: number) => number): Omit<MetricsRow, 'time'>[] =>
  Array.from({ length: steps }, (_, i) => ({
    step: i + 1,
    loss: loss(i + 1),
    learningRate: 1e-3,
    gradNorm: 1 + 1e-12 * (i % 7),
    tokensPerSecond: 30_000 + ((i * 7919) % 100),
    memoryBytes: 851_443_712 + 4096 * (i % 3),
    mfu: 0.301,
  }));
