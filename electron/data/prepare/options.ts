import type { Subset } from '../subsets.ts';
import type { TokenizerName } from '../tokenizers/index.ts';
import type { Selection } from './documents.ts';
import type { ShownAs } from './shown.ts';

export interface PrepareOptions {
  readonly home: string;
  /** Files, folders, globs. */
  readonly inputs: readonly string[];
  /** What is said instead of some files' paths: of those that hold what came through pipes. */
  readonly shownAs?: ShownAs;
  readonly tokenizer: TokenizerName;
  /** Of the dataset. Default: one that says what it is made of. */
  readonly name?: string;
  /** What stands between documents in text files: a literal separator, or `blank-lines`. Absent: a file is a document. */
  readonly splitOn?: string;
  /** The field of a line's object that has its text. Default: `text`. */
  readonly textField?: string;
  /** Only lines whose fields have one of these values. */
  readonly where?: Selection['where'];
  /** Only documents in these buckets. Default: all. */
  readonly subset?: Subset;
  /** Part of the documents that is kept for validation. Default: a tenth of a little, a two-hundredth of much. */
  readonly valFraction?: number;
  /** Bad documents that are put up with, as a part of all. Default: `defaultMaxBad`. */
  readonly maxBad?: number;
  /** Goes on where a file can't be read; absent: stops. */
  readonly skipBadFiles?: boolean;
  /** Bytes of a line at most. */
  readonly longestLine?: number;
  readonly shardTokens?: number;
  /** Milliseconds of work that may be lost when the process is killed. Default: 2000. */
  readonly journalMs?: number;
  /** Default: the cores of the machine. */
  readonly threads?: number;
  /** What is done when it is aborted is kept: the next call goes on. */
  readonly signal?: AbortSignal;
  /** Another process makes it already, and is waited for. */
  readonly onWaiting?: (maker: string) => void;
  /** What was done before can't be gone on with: says why. */
  readonly onAnew?: (why: string) => void;
  readonly onProgress?: (progress: PrepareProgress) => void;
}

export const defaultMaxBad = 0.001;

export interface PrepareProgress {
  readonly doneBytes: number;
  /** Of the files, as they are on the disk. */
  readonly totalBytes: number;
  /** Of text, decompressed. */
  readonly textBytes: number;
  readonly tokens: number;
  /** Documents. */
  readonly bad: number;
}
