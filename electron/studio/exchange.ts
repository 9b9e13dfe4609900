import fs from 'node:fs';
import path from 'node:path';
import { tokenizersDir } from '../data/tokenizers/index.ts';
import { files } from '../engine/checkpoint/index.ts';
import { defaultDevice } from '../engine/devices/choose.ts';
import { partialOf, tidyExport } from '../exchange/huggingFace/index.ts';
import type { Course } from '../exchange/models/course.ts';
import type { ImportOptions } from '../exchange/models/open.ts';
import { type ModelImport, type StagedModel, stageModel, type Untrained } from '../exchange/models/stage.ts';
import { type CheckpointExport, type ExportChoice, writeCheckpointModel } from '../exchange/models/write.ts';
import { requireAnswer, requireFolder } from './givenPaths.ts';
import { checkpointDir } from './home.ts';
import type { SpawnEngine } from './run/engine.ts';
import { runStoppable } from './run/job.ts';
import { noData } from './run/noData.ts';
import { type StagedFiles, stageFiles } from './run/staged.ts';
import type { NewRun, Run } from './store/index.ts';
import { readRunFileIn } from './store/runFile.ts';
import type { Studio } from './studio.ts';

/** What a model that was imported says in the place of what training would need. */
export const untrained = (): Untrained => ({ dataset: noData, device: defaultDevice() });

/** How a model is read and written. */
export interface Ways {
  stage(job: ModelImport, course: Course): Promise<StagedModel>;
  write(job: CheckpointExport, course: Course): Promise<void>;
}

/** Where nothing else waits, as in a command of the terminal. */
const here: Ways = { stage: stageModel, write: writeCheckpointModel };

/** In a process of its own: where windows are served no other request waits for it. */
export const apart = (spawn: SpawnEngine): Ways => ({
  async stage(job, { signal, onProgress }) {
    let staged: StagedModel | undefined;
    for await (const message of runStoppable({ type: 'import', ...job }, spawn, signal))
      if (message.type === 'progress') onProgress?.(message.done, message.total);
      else if (message.type === 'staged') ({ staged } = message);
    return staged!;
  },
  async write(job, { signal, onProgress }) {
    const partial = partialOf(job.dir);
    let isWritten = false;
    try {
      for await (const message of runStoppable({ type: 'export', ...job, partial }, spawn, signal))
        if (message.type === 'progress') onProgress?.(message.done, message.total);
      isWritten = true;
    } finally {
      // One that was killed could not do so itself.
      if (!isWritten) await tidyExport(job.dir, partial);
    }
  },
});

/** What a model is called that nobody names: as its folder, or as the run whose checkpoint it is. */
export function importName(dir: string): string {
  const folder = path.resolve(dir);
  const [root, run] = [path.dirname(folder), path.dirname(path.dirname(folder))];
  const isCheckpoint = path.basename(root) === 'checkpoints' && fs.existsSync(path.join(folder, files.state));
  if (!isCheckpoint) return readRunFileIn(folder)?.run.name ?? path.basename(folder);
  return `${readRunFileIn(run)?.run.name ?? path.basename(run)}-${path.basename(folder)}`;
}

/**
 * Makes a run of a model in a folder, with one checkpoint: to evaluate, to generate from, to begin new runs with.
 * @param dir of a Hugging Face GPT-2 model, of a checkpoint, or of a run in whatever home
 * @param name where it is not called after its folder
 * @throws UserError when the folder holds no model that is computed here
 */
export async function importModel(
  studio: Studio,
  dir: string,
  name?: string,
  options: ImportOptions = {},
  course: Course = {},
  ways: Ways = here,
): Promise<{ run: Run; notices: readonly string[] }> {
  studio.store.requireInPlace();
  await requireFolder(dir);
  const staged = stageFiles(studio.home);
  try {
    const tokenizers = tokenizersDir(studio.home);
    const job = { dir, options, staged: staged.dir, tokenizers, untrained: untrained() };
    const { config, bytes, notices } = await ways.stage(job, course);
    course.signal?.throwIfAborted();
    const row = { name: name ?? importName(dir), config, device: config.device.kind, stepsTotal: 0, tokensTotal: 0 };
    return { run: storeImported(studio, staged, row, { bytes, dir, notices }), notices };
  } catch (error) {
    await staged.discard();
    throw error;
  }
}

/** Stores an imported run, all of it at once. */
function storeImported(
  { home, store }: Studio,
  files: StagedFiles,
  run: NewRun,
  { bytes, dir, notices }: { bytes: number; dir: string; notices: readonly string[] },
): Run {
  const message = `imported from ${dir}`;
  return store.atomically(() => {
    const { id } = store.runs.create(run);
    store.checkpoints.add(id, { step: 0, path: checkpointDir(home, id, 0), bytes, best: false, kept: true });
    store.events.add(id, 0, 'info', 'imported', message);
    for (const notice of notices) store.events.add(id, 0, 'info', 'notice', notice);
    store.runs.setState(id, 'completed', message);
    store.claims.release(id);
    files.publish(id);
    return store.runs.get(id);
  });
}

/** Writes a checkpoint as a folder that Hugging Face's libraries load. @throws UserError when that can't be done */
export async function exportModel(
  studio: Studio,
  run: Run,
  step: number,
  dir: string,
  choice: ExportChoice,
  course: Course = {},
  ways: Ways = here,
): Promise<void> {
  await requireAnswer(dir);
  const { model, tokenizer } = studio.runs.configOf(run);
  const checkpoint = studio.checkpoints.of(run, step).path;
  await ways.write({ checkpoint, model, tokenizer, dir, ...choice }, course);
}
