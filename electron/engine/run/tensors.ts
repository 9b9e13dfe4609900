import type { Entry, OpenedCheckpoint } from '../checkpoint/index.ts';
import { type HostArray, hostArray, type Session } from '../devices/device.ts';
import type { Parameters } from '../models/parameters.ts';
import type { Model, Training } from '../models/programs.ts';
import { carriedOver, Optimizer, type ParameterStates } from '../optimizers/index.ts';
import { type Buffer, elements } from '../program/types.ts';
import type { OptimizerFormat } from './state.ts';

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
export async function restoreModel(session: Session, model: Model, from: StoredWeights): Promise<void> {
  for (const { spec, value } of model.parameters.all) {
    session.write(value, padded(value, spec.fileShape, await from.model(spec.name)));
  }
  await session.run(model.castWeights);
}

/**
 * Puts an optimizer's states from a checkpoint onto a device. Those of another kind are carried over: decoded, then
 * rounded as the new kind does (see `completed`); the same kind's come back to the bit.
 * @param by what the checkpoint says of the optimizer that wrote it
 */
export async function restoreOptimizer(
  session: Session,
  model: Model,
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
    const now = carriedOver(before, values, states);
    for (const [k, { buffer }] of states.tensors.entries()) session.write(buffer, now[k]!);
  }
}

/**
 * Whether an optimizer keeps moments in another format than the one that wrote a checkpoint, though both are of one kind: where
 * its run was begun by an earlier version, or the setting was changed since.
 */
export function convertsStates({ parameters }: Model, optimizer: Optimizer, by: OptimizerFormat): boolean {
  if (optimizer.kind !== by.optimizer || optimizer.lowBitStates === by.lowBitStates) return false;
  const written = new Optimizer(by.optimizer, parameters, by.lowBitStates);
  return optimizer.states.some((states, i) => !sameFormat(states, written.states[i]!));
}

const sameFormat = (a: ParameterStates, b: ParameterStates): boolean => a.format === b.format;
