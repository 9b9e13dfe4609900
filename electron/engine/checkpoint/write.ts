import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { type FileSystem, nodeFileSystem } from '../../base/fileSystem.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { safetensorsBytes, writeHashed, writeSafetensors } from '../../exchange/safetensors/index.ts';
import { formatBytes, formatCount } from '../../base/format.ts';
import { cleanPartials, listCheckpoints } from './list.ts';
import { checkpointName, files, partialName, replacedName } from './names.ts';
import { sealState } from './state.ts';

/** A tensor of a checkpoint. Read when its turn comes; unchanged until the checkpoint is written. */
export interface Entry {
  readonly name: string;
  readonly dtype: 'F32' | 'F16' | 'BF16' | 'U8' | 'I32';
  readonly shape: readonly number[];
  readonly data: () => ArrayBufferView | Promise<ArrayBufferView>;
}

export interface CheckpointContent {
  /** By Hugging Face's names. */
  readonly model: readonly Entry[];
  readonly optimizer: readonly Entry[];
  /** Anything that JSON can hold. */
  readonly state: object;
  /** What its tokens mean, where that is not known anyway. */
  readonly beside?: readonly SmallFile[];
}

/** A file that lies beside a checkpoint's tensors. */
export interface SmallFile {
  readonly name: string;
  readonly content: Uint8Array;
}

export interface WrittenCheckpoint {
  readonly dir: string;
  readonly step: number;
  /** Of the two tensor files. */
  readonly bytes: number;
}

/** Lets Hugging Face's library load a checkpoint's model file as it is. */
const modelMetadata = { format: 'pt' };

/**
 * Writes a checkpoint to a hidden folder, syncs it, then renames it to `step-<step>`: at every moment it is whole or
 * absent, and one of the same step is whole until the new one takes its place. One writer at a time for a root.
 *
 * @throws UserError where the disk does not take it: what happened, the space it needs, and which checkpoint is left.
 * Errors of the entries' own functions come as they are. Nothing of the unfinished checkpoint is left behind.
 */
export async function writeCheckpoint(
  root: string,
  step: number,
  content: CheckpointContent,
  fs: FileSystem = nodeFileSystem,
): Promise<WrittenCheckpoint> {
  if (!Number.isSafeInteger(step) || step < 0) throw new Error(`${step} is no step`);
  const partial = path.join(root, partialName(step));
  const bytes = safetensorsBytes(content.model, modelMetadata) + safetensorsBytes(content.optimizer);
  try {
    await fs.makeDirectory(root);
    await cleanPartials(root, fs).catch(() => {}); // its remains take space, but no harm comes of them
    const free = await fs.freeBytes(root).catch(() => null);
    if (free !== null && free < bytes) throw await failure(root, step, bytes, 'the disk has too little free space', fs);
    await fs.makeDirectory(partial);
    const model = await writeSafetensors(path.join(partial, files.model), content.model, modelMetadata, fs);
    const optimizer = await writeSafetensors(path.join(partial, files.optimizer), content.optimizer, {}, fs);
    for (const file of content.beside ?? [])
      await writeHashed(fs, path.join(partial, file.name), (append) => append(file.content));
    const state = sealState({ step, files: { model, optimizer }, state: { ...content.state } });
    await writeHashed(fs, path.join(partial, files.state), (append) => append(Buffer.from(state)));
    await fs.syncDirectory(partial);
    await publish(fs, root, partial, step);
  } catch (error) {
    await fs.remove(partial).catch(() => {});
    throw isSystemError(error) ? await failure(root, step, bytes, meaningOf(error), fs) : error;
  }
  return { dir: path.join(root, checkpointName(step)), step, bytes };
}

/** Gives a finished folder its final name. */
async function publish(fs: FileSystem, root: string, partial: string, step: number): Promise<void> {
  const name = checkpointName(step);
  const final = path.join(root, name);
  const replaced = path.join(root, replacedName(step));
  const replaces = (await fs.list(root)).includes(name);
  // No portable call swaps two folders. For the moment between the renames the old one counts under its hidden name.
  if (replaces) await fs.rename(final, replaced);
  try {
    await fs.rename(partial, final);
  } catch (error) {
    if (replaces) await fs.rename(replaced, final).catch(() => {});
    throw error;
  }
  await fs.syncDirectory(root);
  if (replaces) await fs.remove(replaced).catch(() => {}); // the next write or cleaning tries again
}

async function failure(root: string, step: number, bytes: number, what: string, fs: FileSystem): Promise<UserError> {
  const free = await fs.freeBytes(root).catch(() => null);
  const newest = (await listCheckpoints(root, fs).catch(() => [])).at(-1);
  const space = free === null ? '' : ` and ${formatBytes(free)} are free`;
  const left =
    newest === undefined
      ? 'there is no earlier checkpoint'
      : `the checkpoint of step ${formatCount(newest.step)} (${newest.dir}) is intact`;
  return new UserError(
    `the checkpoint of step ${formatCount(step)} was not written to ${root}: ${what}; it needs ${formatBytes(bytes)}${space}; ${left}; ` +
      'make space or allow writing there, then resume',
  );
}
