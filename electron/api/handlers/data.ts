import fs from 'node:fs';
import path from 'node:path';
import { datasetNames, type Manifest, prepareDataset } from '../../data/index.ts';
import { openDataset, readManifest } from '../../data/shards/index.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { messageOf, UserError } from '../../errors.ts';
import { datasetsDir } from '../../studio/home.ts';
import { datasetUsers } from '../../studio/run/data.ts';
import { discardUploads } from '../../studio/uploads.ts';
import type { Studio } from '../../studio/studio.ts';
import { api, subscription } from '../context.ts';
import type { DatasetView, PrepareUpdate } from '../types.ts';

const dirOf = (studio: Studio, name: string): string => {
  if (!datasetNames(studio.home).includes(name)) throw new UserError(`There is no dataset "${name}".`);
  return path.join(datasetsDir(studio.home), name);
};

function view(studio: Studio, name: string): DatasetView {
  const runs = datasetUsers(studio.store, name);
  try {
    const { tokenizer, vocabSize, trainTokens, valTokens, sources, createdAt } = readManifest(dirOf(studio, name));
    const bytes = 2 * (trainTokens + valTokens);
    const files = sources.map((s) => ({ path: s.path, bytes: s.bytes }));
    return {
      name,
      tokenizer,
      vocabSize,
      trainTokens,
      valTokens,
      bytes,
      createdAt: Date.parse(createdAt),
      sources: files,
      runs,
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const nothing = { tokenizer: '', vocabSize: 0, trainTokens: 0, valTokens: 0, bytes: 0, createdAt: 0, sources: [] };
    return { name, ...nothing, runs, problem: messageOf(error) };
  }
}

/** Turns what is told on the way into what can be waited for. */
async function* prepare(
  studio: Studio,
  options: { paths: string[]; tokenizer: 'gpt2' | 'bytes'; valFraction: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<PrepareUpdate> {
  const { paths: inputs, ...rest } = options;
  let latest: PrepareUpdate | undefined;
  let wake = (): void => {};
  let made: Manifest | undefined;
  const work = prepareDataset({
    home: studio.home,
    inputs,
    ...rest,
    ...(signal ? { signal } : {}),
    onProgress(progress) {
      latest = { kind: 'progress', ...progress };
      wake();
    },
  }).then((manifest) => {
    made = manifest;
    wake();
  });
  const failed = work.then(() => undefined);
  while (made === undefined) {
    await Promise.race([failed, new Promise<void>((resolve) => (wake = resolve))]);
    if (latest) yield latest;
    latest = undefined;
  }
  await discardUploads(studio.home, inputs);
  yield { kind: 'done', name: made.name };
}

export const data = {
  list: api.data.list.handler(({ context: { studio } }) => datasetNames(studio.home).map((name) => view(studio, name))),
  prepare: api.data.prepare.handler(({ input, context, signal }) =>
    subscription('data.prepare', prepare(context.studio, input, signal)),
  ),
  look: api.data.look.handler(({ input, context: { studio } }) => {
    const dataset = openDataset(dirOf(studio, input.name));
    try {
      const source = dataset.split(input.split);
      const at = Math.min(input.at, Math.max(0, source.tokens - input.tokens));
      const ids = source.window(at, Math.min(input.tokens, source.tokens - at));
      return { text: getTokenizer(dataset.manifest.tokenizer).decode([...ids]), at, total: source.tokens };
    } finally {
      dataset.close();
    }
  }),
  remove: api.data.remove.handler(async ({ input, context: { studio } }) => {
    const dir = dirOf(studio, input.name);
    const runs = datasetUsers(studio.store, input.name);
    if (runs.length > 0) {
      throw new UserError(
        `The dataset ${input.name} is used by ${runs.slice(0, 3).join(', ')}: delete those runs first.`,
      );
    }
    await fs.promises.rm(dir, { recursive: true, force: true });
  }),
};
