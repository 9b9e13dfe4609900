import { z } from 'zod';
import type { Entry } from '../checkpoint/index.ts';
import type { Session } from '../devices/device.ts';
import type { Parameter, Parameters } from '../gpt2/parameters.ts';
import type { Training } from '../gpt2/programs.ts';
import { type Buffer, elements } from '../program/types.ts';

/** What a checkpoint says besides tensors: enough to go on to the same bit. */
export const trainerStateSchema = z.object({
  step: z.int().min(0),
  /** Updates that changed the parameters: the t of the bias correction. */
  updates: z.int().min(0),
  /** The next training sequence. */
  sequence: z.int().min(0),
  tokensSeen: z.int().min(0),
  bestValLoss: z.number().nullable(),
  bestStep: z.int().nullable(),
  valLoss: z.number().nullable(),
});

export type TrainerState = z.infer<typeof trainerStateSchema>;

export const freshState: TrainerState = {
  step: 0,
  updates: 0,
  sequence: 0,
  tokensSeen: 0,
  bestValLoss: null,
  bestStep: null,
  valLoss: null,
};

/** Entries for a buffer shaped as a parameter: in files the padding of the vocabulary is cut. */
function entryOf(session: Session, name: string, { spec }: Parameter, buffer: Buffer): Entry {
  return {
    name,
    dtype: 'F32',
    shape: [...spec.fileShape],
    data: () => session.read(buffer).subarray(0, elements(spec.fileShape)),
  };
}

export function modelEntries(session: Session, parameters: Parameters): Entry[] {
  return parameters.all.map((p) => entryOf(session, p.spec.name, p, p.value));
}

export function optimizerEntries(session: Session, { optimizer }: Training): Entry[] {
  return optimizer.states.map((s) => entryOf(session, s.name, s.parameter, s.buffer));
}

/** Puts a file's tensor into a buffer shaped as a parameter; the padding of the vocabulary becomes zero. */
export function restoreBuffer(session: Session, { spec }: Parameter, buffer: Buffer, values: Float32Array): void {
  if (values.length !== elements(spec.fileShape)) {
    throw new Error(
      `${buffer.name} has ${values.length} elements in the checkpoint and ${elements(spec.fileShape)} in the model`,
    );
  }
  const padded = new Float32Array(elements(spec.shape));
  padded.set(values);
  session.write(buffer, padded);
}
