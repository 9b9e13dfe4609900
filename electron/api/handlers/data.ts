import fs from 'node:fs';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isInTheMaking, removeUnfinished, unfinishedDatasets } from '../../data/prepare/unfinished.ts';
import { datasetNames } from '../../data/index.ts';
import { decodedDocuments } from '../../data/dataset/preview.ts';
import { notesOf, validationNote } from '../../data/prepare/notes.ts';
import { openDataset, readManifest, shardBytes } from '../../data/dataset/index.ts';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { messageOf, UserError } from '../../base/errors.ts';
import { datasetsDir } from '../../studio/home.ts';
import { datasetUsers, usersByDataset } from '../../studio/run/data.ts';
import { tokenizeOptions } from '../../studio/jobs/kinds/tokenize.ts';
import { tokenizerChoices } from '../../studio/tokenizers.ts';
import type { Studio } from '../../studio/studio.ts';
import { api } from '../context.ts';
import type { DatasetView } from '../types.ts';

/** A window that lists datasets is not sent the names of all their files. */
const shownSources = 20;

const dirOf = (studio: Studio, name: string): string => {
  if (!datasetNames(studio.home).includes(name)) throw new UserError(`There is no dataset "${name}".`);
  return path.join(datasetsDir(studio.home), name);
};

function view(studio: Studio, name: string, runs: readonly string[]): DatasetView {
  try {
    const manifest = readManifest(path.join(datasetsDir(studio.home), name));
    const { tokenizer, vocabSize, trainTokens, valTokens, sources, createdAt } = manifest;
    const bytes = shardBytes(manifest);
    return {
      name,
      tokenizer,
      vocabSize,
      trainTokens,
      valTokens,
      bytes,
      createdAt: Date.parse(createdAt),
      files: sources.length,
      sources: sources.slice(0, shownSources).map((s) => ({ path: s.path, bytes: s.bytes })),
      documents: manifest.documents ?? sources.length,
      bad: manifest.bad?.lines ?? 0,
      validation: validationNote(manifest) ?? null,
      notes: notesOf(manifest),
      runs,
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const nothing = { tokenizer: '', vocabSize: 0, trainTokens: 0, valTokens: 0, bytes: 0, createdAt: 0, sources: [] };
    const none = { files: 0, documents: 0, bad: 0, validation: null, notes: [] };
    return { name, ...nothing, ...none, runs, problem: messageOf(error) };
  }
}

export const data = {
  tokenizers: api.data.tokenizers.handler(({ context: { studio } }) => tokenizerChoices(studio.home)),
  list: api.data.list.handler(async ({ context: { studio } }) => {
    // Not "no dataset yet".
    studio.store.requireInPlace();
    const users = usersByDataset(studio.store);
    const views: DatasetView[] = [];
    for (const name of datasetNames(studio.home)) {
      views.push(view(studio, name, users.get(name) ?? []));
      // Of a thousand manifests no other request waits for more than one.
      await setImmediate();
    }
    return views;
  }),
  prepare: api.data.prepare.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('tokenize', input).id,
  })),
  previewText: api.data.previewText.handler(({ input, context: { studio }, signal }) => {
    // Its name and what is put up with don't change what is read.
    const { name: _name, maxBad: _maxBad, ...options } = tokenizeOptions(input);
    return studio.datasets.preview(options, signal);
  }),
  look: api.data.look.handler(({ input, context: { studio } }) => {
    const dataset = openDataset(dirOf(studio, input.name));
    try {
      const source = dataset.split(input.split);
      const at = Math.min(input.at, Math.max(0, source.tokens - input.tokens));
      const ids = source.window(at, Math.min(input.tokens, source.tokens - at));
      const documents = decodedDocuments(getTokenizer(dataset.manifest.tokenizer), ids);
      return { documents, at, total: source.tokens };
    } finally {
      dataset.close();
    }
  }),
  unfinished: api.data.unfinished.handler(({ context: { studio } }) => unfinishedDatasets(studio.home)),
  verify: api.data.verify.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('verify', input).id,
  })),
  remove: api.data.remove.handler(async ({ input, context: { studio } }) => {
    if (isInTheMaking(studio.home, input.name)) return removeUnfinished(studio.home, input.name);
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
