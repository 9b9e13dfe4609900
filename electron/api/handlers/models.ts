import fs from 'node:fs';
import { type DeviceChoice, requireDevice } from '../../engine/devices/usual.ts';
import { validationFile } from '../../evals/hellaswag/source.ts';
import { packageFile } from '../../paths.ts';
import { cardFiles } from '../../studio/card.ts';
import { exportModel, importModel } from '../../studio/exchange.ts';
import { allEvalRows, evalsCsv, evalsMarkdown } from '../../studio/evals.ts';
import type { Studio } from '../../studio/studio.ts';
import { api, subscription } from '../context.ts';
import type { EvalRow, HellaswagUpdate, PublishedRun } from '../types.ts';

const allRows = (studio: Studio): EvalRow[] => allEvalRows(studio.store, studio.store.listRuns({ archived: false }));

interface HellaswagInput {
  readonly id: string;
  readonly step: number;
  readonly items: number;
  readonly file?: string | undefined;
  readonly device?: DeviceChoice | undefined;
}

async function* hellaswag(
  studio: Studio,
  { id, step, items, file, device }: HellaswagInput,
  signal: AbortSignal | undefined,
): AsyncGenerator<HellaswagUpdate> {
  const run = studio.store.getRun(id);
  // Refused before anything is fetched.
  if (device) requireDevice(device);
  yield* studio.hellaswag(run, step, file ?? (yield* fetched(studio.home, signal)), items, device);
}

/** The validation set's file. @yields how much of it is there while it is fetched */
async function* fetched(home: string, signal: AbortSignal | undefined): AsyncGenerator<HellaswagUpdate, string> {
  let latest: HellaswagUpdate | undefined;
  let wake = (): void => {};
  let file: string | undefined;
  const onProgress = (doneBytes: number, totalBytes: number): void => {
    latest = { kind: 'fetching', doneBytes, totalBytes };
    wake();
  };
  const fetching = validationFile(home, { onProgress, ...(signal ? { signal } : {}) }).then((found) => (file = found));
  while (file === undefined) {
    await Promise.race([fetching, new Promise<void>((resolve) => (wake = resolve))]);
    if (latest) yield latest;
    latest = undefined;
  }
  return file;
}

/** Without what was left out. */
const defined = <T extends object>(options: T) =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };

export const models = {
  generate: api.models.generate.handler(({ input, context: { studio } }) => {
    const { id, step, prompt, device, ...sampling } = input;
    return subscription(
      { studio },
      'models.generate',
      studio.generate(studio.store.getRun(id), step, prompt, sampling, device),
    );
  }),
  evaluate: api.models.evaluate.handler(({ input, context: { studio } }) =>
    subscription(
      { studio },
      'models.evaluate',
      studio.evaluate(studio.store.getRun(input.id), input.step, input.sequences, input.dataset, input.device),
    ),
  ),
  evals: api.models.evals.handler(({ context: { studio } }) => allRows(studio)),
  exportEvals: api.models.exportEvals.handler(({ input, context: { studio } }) =>
    (input.format === 'csv' ? evalsCsv : evalsMarkdown)(allRows(studio)),
  ),
  hellaswag: api.models.hellaswag.handler(({ input, context: { studio }, signal }) =>
    subscription({ studio }, 'models.hellaswag', hellaswag(studio, input, signal)),
  ),
  import: api.models.import.handler(async ({ input: { dir, name, ...options }, context: { studio } }) => {
    const { run, notices } = await importModel(studio, dir, name || undefined, defined(options));
    return { id: run.id, notices };
  }),
  export: api.models.export.handler(async ({ input, context: { studio } }) => {
    const { id, step, dir, dtype, force, ...given } = input;
    const run = studio.store.getRun(id);
    const words = defined(given);
    await exportModel(studio, run, step, dir, { dtype, force, files: cardFiles(studio, run, step, dtype, words) });
  }),
  published: api.models.published.handler(
    () => JSON.parse(fs.readFileSync(packageFile('resources/published.json'), 'utf8')) as PublishedRun[],
  ),
};
