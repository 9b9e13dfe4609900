import type { HostArray } from '../devices/device.ts';
import type { Parameter } from '../gpt2/parameters.ts';
import type { Recorder } from '../program/recorder.ts';
import type { Buffer } from '../program/types.ts';

/** AdamW's numbers that do not change from step to step. */
export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** What an update reads besides the parameter, its gradient and its states. */
export interface UpdateInputs {
  readonly settings: AdamWSettings;
  /** See `statIndex`. */
  readonly stats: Buffer;
  /** See `scalarIndex`. */
  readonly scalars: Buffer;
}

/** First and second moment of a parameter in float32, shaped as the parameter in memory. */
export interface Moments {
  readonly m: Float32Array;
  readonly v: Float32Array;
}

/** One tensor of a parameter's states, as a device holds it and a checkpoint keeps it. */
export interface StateTensor {
  readonly name: string;
  readonly buffer: Buffer;
  /** Shape in files. */
  readonly fileShape: readonly number[];
}

/** The moments of one parameter in some format. */
export interface ParameterStates {
  readonly parameter: Parameter;
  /** Names the format: states of the same one can be copied as they are. */
  readonly format: 'float32' | 'bits8' | 'bits8root' | 'bits4';
  readonly tensors: readonly StateTensor[];
  /** Emits the update of the parameter. */
  record(r: Recorder, inputs: UpdateInputs): void;
  /** Moments from the tensors' values, in the order of `tensors`. */
  decode(values: readonly HostArray[]): Moments;
  /** The tensors' values for given moments, rounded as the format does. */
  encode(moments: Moments): HostArray[];
  /**
   * How many second moments are 0 beside a first moment that is not, in the tensors' values: their next step divides by ε alone.
   */
  countLost(values: readonly HostArray[]): number;
}

/** Attributes of an update call. */
export const updateAttrs = ({ beta1, beta2, eps, weightDecay }: AdamWSettings, { spec }: Parameter) => ({
  beta1,
  beta2,
  eps,
  weightDecay: spec.decay ? weightDecay : 0,
});
