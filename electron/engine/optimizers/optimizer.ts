import { z } from 'zod';
import type { HostArray } from '../devices/device.ts';
import type { Parameter } from '../models/parameters.ts';
import type { Recorder } from '../program/recorder.ts';
import type { Buffer } from '../program/types.ts';
import type { LowBitStates } from './lowBit.ts';

/** A number that a run tells its optimizer once: its place in the config, and its flag. */
export interface NumberSetting {
  readonly schema: z.ZodNumber;
  readonly default: number;
  /** As commander takes it: `--beta1 <x>`. */
  readonly flags: string;
  /** Over its field. */
  readonly label: string;
  /** One line, without its default. */
  readonly help: string;
}

/**
 * The numbers that every run has, whatever its optimizer: a phase may switch to another one. Defaults are GPT-3's (Brown et al.
 * 2020, appendix B).
 */
export const sharedNumbers = {
  beta1: { schema: z.number().min(0).lt(1), default: 0.9, flags: '--beta1 <x>', label: 'β1', help: 'AdamW β1' },
  beta2: { schema: z.number().min(0).lt(1), default: 0.95, flags: '--beta2 <x>', label: 'β2', help: 'AdamW β2' },
  eps: { schema: z.number().positive(), default: 1e-8, flags: '--eps <x>', label: 'ε', help: 'AdamW ε' },
  weightDecay: {
    schema: z.number().min(0).max(1),
    default: 0.1,
    flags: '--weight-decay <x>',
    label: 'Weight decay',
    help: 'weight decay of matrices',
  },
} satisfies Record<string, NumberSetting>;

export type SharedNumbers = { readonly [name in keyof typeof sharedNumbers]: number };

/** What an update reads besides the parameter, its gradient and its states. */
export interface UpdateInputs {
  readonly settings: SharedNumbers;
  /** See `statIndex`: the gradient's norm, and the factor by which an update unscales and clips the gradient. */
  readonly stats: Buffer;
  /** See `scalarIndex`: the learning rate, and what else changes from step to step. */
  readonly scalars: Buffer;
}

/** `UpdateInputs` with the numbers that only this optimizer has (`OptimizerDefinition.numbers`). */
export interface OwnUpdateInputs extends UpdateInputs {
  readonly own: Readonly<Record<string, number>>;
}

/**
 * What optimizers know of a parameter's gradients, in float32, shaped as the parameter in memory: their weighted mean (the first
 * moment, or momentum), and that of their squares (the second moment). An optimizer that keeps one of them not has none to give.
 */
export interface KnownMoments {
  readonly m?: Float32Array;
  readonly v?: Float32Array;
}

/** Both: what an optimizer takes over. See `completed`. */
export type Moments = Required<KnownMoments>;

/** One tensor of a parameter's states, as a device holds it and a checkpoint keeps it. */
export interface StateTensor {
  readonly name: string;
  /** Role `optimizer`: on the device; `paged`: in the host's memory. */
  readonly buffer: Buffer;
  /** Shape in files. */
  readonly fileShape: readonly number[];
}

/** The states of one parameter in some format. */
export interface ParameterStates {
  readonly parameter: Parameter;
  /** Names the format: states of the same one are copied as they are, from whichever optimizer. */
  readonly format: string;
  readonly tensors: readonly StateTensor[];
  /** Emits the update of the parameter. */
  record(r: Recorder, inputs: OwnUpdateInputs): void;
  /** What the tensors' values, in the order of `tensors`, say of the gradients. */
  decode(values: readonly HostArray[]): KnownMoments;
  /** The tensors' values for given moments, rounded as the format does. */
  encode(moments: Moments): HostArray[];
  /**
   * How many second moments are 0 beside a first moment that is not, in the tensors' values: their next step divides by ε alone.
   * Absent where no step divides by a second moment.
   */
  countLost?(values: readonly HostArray[]): number;
}

/** The states of a model's parameters, and how they are updated. */
export interface States<S extends ParameterStates = ParameterStates> {
  /** One of each parameter, in their order. */
  readonly all: readonly S[];
  /** Emits the update of all where that is more than the update of one after the other. */
  record?(r: Recorder, inputs: OwnUpdateInputs): void;
}

/** All that the rest of the program knows of an optimizer. One line of the registry (index.ts) makes it known. */
export interface OptimizerDefinition<K extends string = string> {
  /** As configs, flags and checkpoints name it: it stays. */
  readonly kind: K;
  /** For people, in few words: `AdamW 8-bit`. */
  readonly label: string;
  /**
   * For people: `AdamW`. Optimizers of one family make the same steps of the same numbers, but for what is rounded: the
   * calculator offers them in each other's place.
   */
  readonly family: string;
  /** For people, what it keeps of the gradients: `moments`. */
  readonly keeps: string;
  /** For people, in which format: `8 bits`. */
  readonly keptIn: string;
  /** Place in its family: 0 needs the most memory of the device and rounds the least. */
  readonly compactness: number;
  /** Whether states of large tensors are kept in few bits, as `LowBitStates` says. */
  readonly lowBit: boolean;
  /** Numbers that no other optimizer has. A config names them beside the shared ones, and need not. */
  readonly numbers?: Readonly<Record<string, NumberSetting>>;
  /**
   * How far a step can move a weight, in learning rates, weight decay aside and nothing rounded: a run whose weights go further
   * is warned. Infinite where nothing is known.
   */
  reach(numbers: SharedNumbers): number;
  /** @param lowBit what a low-bit one does beside its paper's formula */
  states(parameters: readonly Parameter[], lowBit: LowBitStates): States;
}

/** An optimizer, for the registry. */
export const defineOptimizer = <const K extends string>(definition: OptimizerDefinition<K>): OptimizerDefinition<K> =>
  definition;

/** Weight decay of a parameter: 0 where it has none. */
export const decayOf = ({ weightDecay }: Pick<SharedNumbers, 'weightDecay'>, { spec }: Parameter): number =>
  spec.decay ? weightDecay : 0;

/**
 * Moments as another format takes them over, from what was known of them.
 *
 * A second moment that is 0 beside a first moment that is not (rounding made it so) would make a step divide by ε alone: it
 * becomes the square of the first, as if all gradients had been that. So does one that nobody kept, as Lion: the momentum goes
 * on, and |m| ≤ reach · √v holds from the first step on, because some gradients have both as their means. A second moment that
 * started at 0, with a bias correction that counts from the switch, would not do: after a step it is the square of a single
 * gradient, which may be any size smaller than the momentum it divides. The square of the mean is too small where
 * gradients are noisy, so that first steps are of about one learning rate, as those of Lion are; β2 forgets it, in some 20 steps
 * at 0.95. The count of updates, which the bias corrections are made from, stays the run's.
 *
 * A first moment that nobody kept starts at 0.
 */
export function completed({ m, v }: KnownMoments, n: number): Moments {
  const first = m ?? new Float32Array(n);
  const second = v ?? new Float32Array(n);
  return { m: first, v: second.map((x, i) => (x === 0 ? first[i]! * first[i]! : x)) };
}
