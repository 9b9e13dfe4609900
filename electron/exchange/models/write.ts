import type { TokenizerName } from '../../data/tokenizers/index.ts';
import { openChosen } from '../../engine/checkpoint/index.ts';
import { type ModelConfig, parameterTable } from '../../engine/models/index.ts';
import { type ExportDtype, writeHuggingFaceModel } from '../huggingFace/index.ts';
import { type Course, counted } from './course.ts';

export interface ExportChoice {
  readonly dtype: ExportDtype;
  readonly force?: boolean;
  /** The model card and its pictures. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A checkpoint, and the folder that is to be made of it. */
export interface CheckpointExport extends ExportChoice {
  readonly checkpoint: string;
  readonly model: ModelConfig;
  readonly tokenizer: TokenizerName;
  readonly dir: string;
  /** What it is called until it is whole; see `partialOf`. */
  readonly partial?: string;
}

/** Writes a checkpoint as a folder that Hugging Face's libraries load. @throws UserError when that can't be done */
export async function writeCheckpointModel(
  { checkpoint: from, dir, ...content }: CheckpointExport,
  course: Course = {},
): Promise<void> {
  const checkpoint = await openChosen(from);
  const tensor = counted(course, parameterTable(content.model).length, (name) => checkpoint.model(name));
  await writeHuggingFaceModel(dir, { ...content, tensor, signal: course.signal });
}
