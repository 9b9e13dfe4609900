import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { FailureError, messageOf } from '../../base/errors.ts';
import { tokenBytesOf } from '../../base/tokens.ts';
import { buckets } from '../subsets.ts';
import { tokenizerNameSchema } from '../tokenizers/types.ts';

export const manifestName = 'dataset.json';

const shardSchema = z.object({ file: z.string(), tokens: z.int().min(0), sha256: z.string() });

export const manifestSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  tokenizer: tokenizerNameSchema,
  vocabSize: z.int(),
  /** Bytes of a token in the shards, little-endian. Absent: 2. */
  tokenBytes: z.literal([2, 4]).optional(),
  trainTokens: z.int(),
  valTokens: z.int(),
  shards: z.object({ train: z.array(shardSchema), val: z.array(shardSchema) }),
  sources: z.array(z.object({ path: z.string(), bytes: z.int(), sha256: z.string() })),
  /**
   * Where each bucket of training documents begins, in tokens, and the last one ends; documents lie in the order of their
   * buckets. Absent in datasets made before there were subsets.
   */
  trainBuckets: z
    .array(z.int().min(0))
    .length(buckets + 1)
    .optional(),
  /** Documents, and the bytes of their text; absent where each source is a document. */
  documents: z.int().min(0).optional(),
  textBytes: z.int().min(0).optional(),
  /** Lines that were no documents, and the first of them. */
  bad: z.object({ lines: z.int().min(0), examples: z.array(z.string()) }).optional(),
  /** Files that were left out: the content of others. */
  copies: z.array(z.object({ path: z.string(), of: z.string() })).optional(),
  /** Files that could not be read, or not to their end, and were passed over as was asked. */
  skipped: z.array(z.object({ path: z.string(), reason: z.string() })).optional(),
  /** Files in folders that are no text, or hold none. */
  notTaken: z
    .object({
      files: z.int().min(0),
      endings: z.record(z.string(), z.int()).readonly(),
      examples: z.array(z.object({ path: z.string(), reason: z.string() })).readonly(),
    })
    .optional(),
  /** How often texts say `<|endoftext|>`: as text, not as the end of a document. */
  markers: z.int().min(0).optional(),
  /** What is worth knowing of how files and documents were taken. */
  notices: z.array(z.string()).optional(),
  /** What is for validation: whole documents by their hash, or the end of the text. Absent in older datasets. */
  validation: z.enum(['documents', 'end']).optional(),
  /** Of all that decides what is in it. */
  key: z.string().optional(),
  settings: z.object({
    valFraction: z.number(),
    splitOn: z.string().optional(),
    textField: z.string().optional(),
    where: z.array(z.object({ path: z.string(), values: z.array(z.string()).readonly() })).optional(),
    subset: z.object({ from: z.int(), to: z.int() }).optional(),
  }),
  createdAt: z.string(),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type Shard = z.infer<typeof shardSchema>;
export type SplitName = 'train' | 'val';

/** What a dataset's description says of the width of its tokens. @param vocabSize of its tokenizer */
export const widthOf = (vocabSize: number): Pick<Manifest, 'tokenBytes'> =>
  tokenBytesOf(vocabSize) === 4 ? { tokenBytes: 4 } : {};

/** Bytes of all shards of a dataset. */
export const shardBytes = ({ trainTokens, valTokens, tokenBytes = 2 }: Manifest): number =>
  tokenBytes * (trainTokens + valTokens);

/** Whether a folder holds a dataset: one that is whole, for its description is written last. */
export const isDataset = (dir: string): boolean => fs.existsSync(path.join(dir, manifestName));

/** @throws UserError when the folder holds no dataset or its description is damaged */
export function readManifest(dir: string): Manifest {
  const file = path.join(dir, manifestName);
  if (!fs.existsSync(file)) throw new FailureError('data', `There is no dataset in ${dir}: tokenize its text again.`);
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(fs.readFileSync(file, 'utf8')));
    if (parsed.success) return parsed.data;
    throw new Error(z.prettifyError(parsed.error));
  } catch (error) {
    throw new FailureError(
      'data',
      `The dataset's description ${file} is damaged (${messageOf(error)}): tokenize its text again.`,
    );
  }
}
