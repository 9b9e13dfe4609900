import { z } from 'zod';
import type { Entry, OpenedCheckpoint } from '../checkpoint/index.ts';
import { type DeviceChoices, type HostArray, hostArray, type Session } from '../devices/device.ts';
import type { Parameters } from '../gpt2/parameters.ts';
import type { Gpt2, Training } from '../gpt2/programs.ts';
import { lowBitStates, type Moments, Optimizer, optimizerKinds, type ParameterStates } from '../optimizers/index.ts';
import { type Buffer, elements } from '../program/types.ts';
import { sourceName } from '../../data/mix.ts';
import { everything } from '../../data/subsets.ts';
import { freshGuards } from './guards.ts';

/** What a checkpoint says besides tensors: enough to go on to the same bit. */
export const trainerStateSchema = z.object({
  step: z.int().min(0),
  /** Updates that changed the parameters: the t of the bias correction. */
  updates: z.int().min(0),
  /** The next training sequence of each source, by `sourceName`. */
  sequences: z.record(z.string(), z.int().min(0)),
  tokensSeen: z.int().min(0),
  bestValLoss: z.number().nullable(),
  bestStep: z.int().nullable(),
  valLoss: z.number().nullable(),
  /** The kind of optimizer whose states the checkpoint holds. */
  optimizer: z.enum(optimizerKinds).default('adamw'),
  /** Of earlier versions, which do not say: `paper`. */
  lowBitStates: z.enum(lowBitStates).default('paper'),
  guards: z
    .object({
      recentLosses: z.array(z.number()).readonly(),
      skipsInARow: z.int().min(0),
      spikesInARow: z.int().min(0),
    })
    .default({ ...freshGuards }),
  /** First step of the phase that was entered last, of whose losses the guards know; -1: not known. */
  entered: z.int().default(-1),
  lossScale: z.object({ scale: z.number().positive(), goodSteps: z.int().min(0) }).default({ scale: 1, goodSteps: 0 }),
  /** Steps whose update was skipped, since the run's start. */
  skipped: z.int().min(0).default(0),
  /** How often the run went back, and did not get past `recovery.until` since. */
  recoveries: z.int().min(0).default(0),
  /** The last time that it did: to which step, and from which step on that is forgotten. */
  recovery: z.object({ to: z.int(), until: z.int() }).nullable().default(null),
  /** The last steps at which the validation loss was taken and samples were made. */
  evaluatedStep: z.int().default(-1),
  sampledStep: z.int().default(-1),
  hellaswagStep: z.int().default(-1),
});

export type TrainerState = z.infer<typeof trainerStateSchema>;

/** In which format an optimizer keeps its states. */
export type OptimizerFormat = Pick<TrainerState, 'optimizer' | 'lowBitStates'>;

export const formatOf = ({ kind, lowBitStates }: Optimizer): OptimizerFormat => ({
  optimizer: kind,
  lowBitStates,
});

export const freshState: TrainerState = {
  step: 0,
  updates: 0,
  sequences: {},
  tokensSeen: 0,
  bestValLoss: null,
  bestStep: null,
  valLoss: null,
  optimizer: 'adamw',
  lowBitStates: 'stable',
  guards: freshGuards,
  entered: -1,
  lossScale: { scale: 1, goodSteps: 0 },
  skipped: 0,
  recoveries: 0,
  recovery: null,
  evaluatedStep: -1,
  sampledStep: -1,
  hellaswagStep: -1,
};

const choicesSchema = z.object({
  device: z
    .object({ kind: z.enum(['cpu', 'cuda', 'tfjs', 'null']).optional(), of: z.string(), choices: z.unknown() })
    .optional(),
});

/** What the device had chosen when a checkpoint was written, where there was something to choose. */
export const readDeviceChoices = (state: OpenedCheckpoint['state']): DeviceChoices | undefined =>
  choicesSchema.parse(state).device;

const singleSourceSchema = z.object({
  trainer: z.looseObject({ sequence: z.int().min(0) }),
  config: z.object({ dataset: z.string() }),
});

/**
 * What a checkpoint says besides tensors. Earlier versions knew one source of data, the whole of the run's dataset.
 * @param state of an opened checkpoint
 */
export function readTrainerState(state: OpenedCheckpoint['state']): TrainerState {
  const single = singleSourceSchema.safeParse(state);
  if (!single.success) return trainerStateSchema.parse(state.trainer);
  const { trainer, config } = single.data;
  const { sequence, ...rest } = trainer;
  const source = sourceName({ dataset: config.dataset, subset: everything });
  return trainerStateSchema.parse({ sequences: { [source]: sequence }, ...rest });
}

/** An entry for a buffer; in files the padding of the vocabulary is cut. */
function entryOf(session: Session, name: string, fileShape: readonly number[], buffer: Buffer): Entry {
  return {
    name,
    dtype: buffer.dtype === 'u8' ? 'U8' : 'F32',
    shape: [...fileShape],
    data: () => session.read(buffer).subarray(0, elements(fileShape)),
  };
}

export function modelEntries(session: Session, parameters: Parameters): Entry[] {
  return parameters.all.map(({ spec, value }) => entryOf(session, spec.name, spec.fileShape, value));
}

export function optimizerEntries(session: Session, { optimizer }: Training): Entry[] {
  return optimizer.tensors.map((t) => entryOf(session, t.name, t.fileShape, t.buffer));
}

/** A file's tensor as a buffer holds it: the padding of the vocabulary is zero. */
export function padded(buffer: Buffer, fileShape: readonly number[], values: ArrayLike<number>): HostArray {
  if (values.length !== elements(fileShape)) {
    throw new Error(
      `${buffer.name} has ${values.length} elements in the checkpoint and ${elements(fileShape)} in the model`,
    );
  }
  const whole = hostArray(buffer);
  whole.set(values);
  return whole;
}

/** Weights on disk. */
export interface StoredWeights {
  /** A parameter by its name, float32, without padding. */
  model(name: string): Promise<Float32Array>;
}

/** Puts a model's weights onto a device. */
export async function restoreModel(session: Session, model: Gpt2, from: StoredWeights): Promise<void> {
  for (const { spec, value } of model.parameters.all) {
    session.write(value, padded(value, spec.fileShape, await from.model(spec.name)));
  }
  await session.run(model.castWeights);
}

/**
 * Puts an optimizer's states from a checkpoint onto a device. Those of another kind are carried over: decoded, then
 * rounded as the new kind does; the same kind's come back to the bit.
 * @param by what the checkpoint says of the optimizer that wrote it
 */
export async function restoreOptimizer(
  session: Session,
  model: Gpt2,
  optimizer: Optimizer,
  from: OpenedCheckpoint,
  by: OptimizerFormat,
): Promise<void> {
  const written = new Optimizer(by.optimizer, model.parameters, by.lowBitStates);
  for (const [i, states] of optimizer.states.entries()) {
    const before = written.states[i]!;
    const values: HostArray[] = [];
    for (const { name, buffer, fileShape } of before.tensors) {
      values.push(padded(buffer, fileShape, (await from.raw('optimizer', name)) as HostArray));
    }
    const now = sameFormat(before, states) ? values : states.encode(withoutLost(before.decode(values)));
    for (const [k, { buffer }] of states.tensors.entries()) session.write(buffer, now[k]!);
  }
}

/**
 * Moments as another format takes them over. A second moment that was rounded to 0 beside a first moment that was not would
 * make a step divide by ε alone: it becomes the square of the first, as if all gradients had been that.
 */
function withoutLost({ m, v }: Moments): Moments {
  return { m, v: v.map((second, i) => (second === 0 ? m[i]! * m[i]! : second)) };
}

/**
 * Whether an optimizer keeps moments in another format than the one that wrote a checkpoint, though both are of one kind: where
 * its run was begun by an earlier version, or the setting was changed since.
 */
export function convertsStates({ parameters }: Gpt2, optimizer: Optimizer, by: OptimizerFormat): boolean {
  if (optimizer.kind !== by.optimizer || optimizer.lowBitStates === by.lowBitStates) return false;
  const written = new Optimizer(by.optimizer, parameters, by.lowBitStates);
  return optimizer.states.some((states, i) => !sameFormat(states, written.states[i]!));
}

const sameFormat = (a: ParameterStates, b: ParameterStates): boolean => a.format === b.format;
