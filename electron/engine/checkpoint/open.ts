import fs from 'node:fs/promises';
import path from 'node:path';
import { useTokenizerIn } from '../../data/tokenizers/own/kept.ts';
import { UserError } from '../../base/errors.ts';
import {
  type ArrayOf,
  readSafetensorsHeader,
  SafetensorsFile,
  type SafetensorsHeader,
} from '../../exchange/safetensors/index.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { formatCount, plural } from '../../base/format.ts';
import { CheckpointError } from './errors.ts';
import { hashFile } from './hash.ts';
import { listCheckpoints } from './list.ts';
import { checkpointName, files, parseName, stepOf, type TensorFile } from './names.ts';
import { type StateFile, unsealState } from './state.ts';

/** A checkpoint that was found whole. It holds no file open: each tensor is read when asked for. */
export class OpenedCheckpoint {
  readonly dir: string;
  readonly step: number;
  readonly state: Readonly<Record<string, unknown>>;
  /** Of the two tensor files. */
  readonly bytes: number;
  readonly headers: Readonly<Record<TensorFile, SafetensorsHeader>>;

  constructor(dir: string, { step, state, files }: StateFile, headers: Record<TensorFile, SafetensorsHeader>) {
    this.dir = dir;
    this.step = step;
    this.state = state;
    this.bytes = files.model.bytes + files.optimizer.bytes;
    this.headers = headers;
  }

  /** A model tensor as float32. @throws UserError where there is none of this name */
  model(name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.#with('model', (file) => file.readFloat32(name));
  }

  /** An optimizer tensor as float32. @throws UserError where there is none of this name */
  optimizer(name: string): Promise<Float32Array<ArrayBuffer>> {
    return this.#with('optimizer', (file) => file.readFloat32(name));
  }

  /** A tensor as it is stored, e.g. the codes of a quantized optimizer state. */
  raw(part: TensorFile, name: string): Promise<ArrayOf> {
    return this.#with(part, (file) => file.read(name));
  }

  async #with<T>(part: TensorFile, use: (file: SafetensorsFile) => Promise<T>): Promise<T> {
    const file = await SafetensorsFile.open(path.join(this.dir, files[part]));
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }
}

export interface OpenOptions {
  /** Trust the tensors' bytes: check state.json, sizes and headers only. */
  readonly quick?: boolean;
}

/**
 * Opens a checkpoint after checking it against its own state.json.
 * @throws CheckpointError naming the file that is missing, truncated or altered
 */
export async function openCheckpoint(dir: string, { quick = false }: OpenOptions = {}): Promise<OpenedCheckpoint> {
  const actual = await locate(dir);
  const stateFile = path.join(actual, files.state);
  const state = unsealState(stateFile, await checking(stateFile, () => fs.readFile(stateFile, 'utf8')));
  const named = stepOf(actual);
  if (named !== null && named !== state.step) {
    throw new CheckpointError(`${actual} was renamed: it holds the checkpoint of step ${formatCount(state.step)}`);
  }
  const headers = {
    model: await check(actual, 'model', state, quick),
    optimizer: await check(actual, 'optimizer', state, quick),
  };
  const { tokenizer } = (state.state.config ?? {}) as { tokenizer?: unknown };
  useTokenizerIn(actual, tokenizer);
  return new OpenedCheckpoint(actual, state, headers);
}

/**
 * Opens a checkpoint that somebody chose, as `openCheckpoint` does.
 * @throws CheckpointError that says which others of the run there are
 */
export async function openChosen(dir: string): Promise<OpenedCheckpoint> {
  try {
    return await openCheckpoint(dir);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const other = await lastSound(path.dirname(dir), stepOf(dir));
    const next =
      other === undefined
        ? 'the run has no other checkpoint that is whole'
        : `choose another of the run's checkpoints, such as that of step ${formatCount(other)}`;
    throw new CheckpointError(`${error.message}; ${next}`);
  }
}

/** The step of a run's last checkpoint that looks whole, besides one. */
async function lastSound(root: string, besides: number | null): Promise<number | undefined> {
  for (const { step, dir } of (await listCheckpoints(root).catch(() => [])).reverse()) {
    const isSound = (): Promise<boolean> =>
      openCheckpoint(dir, { quick: true }).then(
        () => true,
        () => false,
      );
    if (step !== besides && (await isSound())) return step;
  }
  return undefined;
}

async function check(dir: string, part: TensorFile, state: StateFile, quick: boolean): Promise<SafetensorsHeader> {
  const file = path.join(dir, files[part]);
  const expected = state.files[part];
  return checking(file, async () => {
    const { size } = await fs.stat(file);
    if (size !== expected.bytes) {
      const change = size < expected.bytes ? 'truncated' : 'longer than it was written';
      throw new CheckpointError(
        `${file} is ${change}: it has ${plural(size, 'byte')} and had ${formatCount(expected.bytes)}`,
      );
    }
    if (!quick && (await hashFile(file)) !== expected.sha256) {
      throw new CheckpointError(
        `${file} was altered after it was written: its sha256 is not the one in ${files.state}`,
      );
    }
    return readSafetensorsHeader(file);
  });
}

/** Whatever keeps a file of a checkpoint from being read makes that checkpoint unusable, and says so in one line. */
async function checking<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isSystemError(error)) throw new CheckpointError(`${file} can't be read: ${meaningOf(error)}`);
    if (error instanceof UserError && !(error instanceof CheckpointError)) throw new CheckpointError(error.message);
    throw error;
  }
}

/** The folder itself, or where it is missing the one that was set aside when a replacement was cut short. */
async function locate(dir: string): Promise<string> {
  const parent = path.dirname(path.resolve(dir));
  const named = parseName(path.basename(dir));
  const names = await fs.readdir(parent).catch(() => [] as string[]);
  if (named === null || names.includes(checkpointName(named.step))) return dir;
  const replaced = names.sort().find((name) => {
    const parsed = parseName(name);
    return parsed?.kind === 'replaced' && parsed.step === named.step;
  });
  return replaced === undefined ? dir : path.join(parent, replaced);
}
