import type { Entry } from '../checkpoint/index.ts';
import type { HostArray } from '../devices/device.ts';
import type { Parameter, Parameters } from '../models/parameters.ts';
import type { Optimizer, SharedNumbers } from '../optimizers/index.ts';
import { elements } from '../program/types.ts';

/** A tensor of whose second moments a share is 0 beside a first moment that is not. */
export interface LostMoments {
  readonly tensor: string;
  readonly share: number;
}

/** A tensor whose largest weight has grown by more than its optimizer's steps can have moved it. */
export interface WeightJump {
  readonly tensor: string;
  readonly from: number;
  readonly to: number;
}

/** What a look finds that the look before did not, the worst first. */
export interface Findings {
  readonly lost: readonly LostMoments[];
  readonly jumps: readonly WeightJump[];
  /** The sum of the learning rates since the weights that jumps are counted from. */
  readonly rates: number;
}

/** A larger share of lost moments is told. Fewer have been seen to pass by themselves in a run's first steps. */
const maxLost = 1e-3;

/** Moments that are rounded may give a step up to twice as far without harm: half of v, √2, and half again of m. */
const slack = 2;

/**
 * Watches weights and moments as checkpoints read them from the device anyway: for second moments that rounding has made 0, whose
 * weights move by m̂/ε at a step, and for weights that have moved further than their optimizer can move them.
 */
export class StateWatch {
  readonly #numbers: SharedNumbers;
  /** The largest magnitude of each tensor's weights at the last look. */
  #largest = new Map<string, number>();
  #rates = 0;
  /** What has been told, and still holds. */
  #reported = new Set<string>();

  constructor(numbers: SharedNumbers) {
    this.#numbers = numbers;
  }

  /** Starts from weights that no step has moved yet: fresh ones, or a checkpoint's. */
  start({ all }: Parameters, read: (parameter: Parameter) => HostArray): void {
    this.#largest = new Map(all.map((p) => [p.spec.name, largestMagnitude(read(p))]));
    this.#rates = 0;
  }

  /** Counts a step. */
  step(learningRate: number): void {
    this.#rates += learningRate;
  }

  /** A look: entries that are watched as they are read, and what was found once all have been. */
  look(
    model: readonly Entry[],
    moments: readonly Entry[],
    optimizer: Optimizer,
  ): { readonly model: Entry[]; readonly optimizer: Entry[]; findings(): Findings } {
    const largest = new Map<string, number>();
    const lost: LostMoments[] = [];
    const seen = (values: ArrayBufferView, name: string): void =>
      void largest.set(name, largestMagnitude(values as HostArray));
    const byTensor = new Map(optimizer.states.flatMap((states) => states.tensors.map((t) => [t.name, states])));
    const read = new Map<string, HostArray>();
    const gather = (values: ArrayBufferView, name: string): void => {
      read.set(name, values as HostArray);
      const states = byTensor.get(name)!;
      const all = states.tensors.map((t) => read.get(t.name));
      if (!all.every((part) => part !== undefined)) return;
      for (const t of states.tensors) read.delete(t.name);
      const { name: tensor, fileShape } = states.parameter.spec;
      if (states.countLost) lost.push({ tensor, share: states.countLost(all) / elements(fileShape) });
    };
    return {
      model: model.map((entry) => watched(entry, seen)),
      optimizer: moments.map((entry) => watched(entry, gather)),
      findings: () => this.#judge(lost, largest, optimizer.reach(this.#numbers)),
    };
  }

  #judge(lost: readonly LostMoments[], largest: Map<string, number>, reach: number): Findings {
    const rates = this.#rates;
    const limit = slack * reach * rates;
    const jumps = [...largest].flatMap(([tensor, to]) => {
      const from = this.#largest.get(tensor) ?? to;
      return to > from + limit ? [{ tensor, from, to }] : [];
    });
    const many = lost.filter(({ share }) => share > maxLost);
    const isNew = ({ tensor }: LostMoments): boolean => !this.#reported.has(tensor);
    const findings = {
      lost: many.filter(isNew).sort((a, b) => b.share - a.share),
      jumps: jumps.sort((a, b) => b.to - b.from - (a.to - a.from)),
      rates,
    };
    this.#reported = new Set(many.map(({ tensor }) => tensor));
    this.#largest = largest;
    this.#rates = 0;
    return findings;
  }
}

const watched = (entry: Entry, look: (values: ArrayBufferView, name: string) => void): Entry => ({
  ...entry,
  async data() {
    const values = await entry.data();
    look(values, entry.name);
    return values;
  },
});

function largestMagnitude(values: HostArray): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > largest) largest = magnitude;
  }
  return largest;
}
