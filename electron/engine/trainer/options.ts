import type { HellaswagQuestion } from '../../evals/hellaswag/questions.ts';
import type { SmallFile } from '../checkpoint/index.ts';
import type { RunConfig } from '../config.ts';
import type { OpenedDevice } from '../devices/open.ts';
import type { RunEvent } from './events.ts';
import type { InitialWeights } from './initialWeights.ts';
import type { TrainingData, Windows } from './windows.ts';

/** What a run is trained with, and who is told. */
export interface TrainerOptions extends OpenedDevice {
  readonly config: RunConfig;
  readonly training: TrainingData;
  readonly validation: Windows;
  /** What a fresh run begins with, where weights are not drawn. */
  readonly initial?: InitialWeights;
  /** HellaSwag items by their place, where they are taken during training. */
  readonly hellaswag?: { readonly questions: ReadonlyMap<number, HellaswagQuestion>; readonly key: string };
  readonly tokenizer: {
    byteLength(ids: Iterable<number>): number;
    encode(text: string): ArrayLike<number>;
    decode(ids: number[]): string;
    readonly endOfText: number;
    /** Default: the end of text. */
    readonly startOfText?: number;
    /** Default: as many as the model has rows. */
    readonly vocabSize?: number;
  };
  /** The description of a tokenizer that came with a model, as a file: each checkpoint carries it. */
  readonly tokenizerFile?: SmallFile;
  /** Folder of the run's checkpoints. */
  readonly checkpointRoot: string;
  readonly emit: (event: RunEvent) => void;
  /** Settles when all that was emitted is stored: a checkpoint that is ahead of the record would leave a gap in it. */
  readonly flush?: () => Promise<void>;
}
