import type { Parameter, Parameters } from '../gpt2/parameters.ts';
import { adamw } from '../program/ops/index.ts';
import type { Recorder } from '../program/recorder.ts';
import type { Buffer } from '../program/types.ts';

export interface AdamWSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** One state tensor of one parameter, as it is kept in checkpoints. */
export interface OptimizerState {
  /** `m.` or `v.` and the parameter's name. */
  readonly name: string;
  readonly parameter: Parameter;
  readonly buffer: Buffer;
}

/** AdamW with float32 states: 8 bytes a parameter. */
export class AdamW {
  readonly states: readonly OptimizerState[];

  constructor(parameters: Parameters) {
    this.states = parameters.all.flatMap((parameter) =>
      ['m', 'v'].map((moment) => {
        const name = `${moment}.${parameter.spec.name}`;
        const buffer: Buffer = { name, shape: parameter.spec.shape, dtype: 'f32', role: 'optimizer' };
        return { name, parameter, buffer };
      }),
    );
  }

  /** Emits one update of every parameter. */
  record(r: Recorder, settings: AdamWSettings, stats: Buffer, scalars: Buffer): void {
    const { beta1, beta2, eps, weightDecay } = settings;
    for (let i = 0; i < this.states.length; i += 2) {
      const { parameter, buffer: m } = this.states[i]!;
      const v = this.states[i + 1]!.buffer;
      const attrs = { beta1, beta2, eps, weightDecay: parameter.spec.decay ? weightDecay : 0 };
      r.emit(adamw, { p: parameter.value, g: parameter.gradient, m, v, stats, scalars }, attrs);
    }
  }
}
