import type { Parameter } from '../models/parameters.ts';
import type { HostArray } from '../devices/device.ts';
import type { Recorder } from '../program/recorder.ts';
import { elements } from '../program/types.ts';
import { adamw } from './adamw.ts';
import { adamw4bit } from './adamw4bit.ts';
import { adamw8bit } from './adamw8bit.ts';
import type { LowBitStates } from './lowBit.ts';
import {
  completed,
  type NumberSetting,
  type OptimizerDefinition,
  type ParameterStates,
  type SharedNumbers,
  sharedNumbers,
  type States,
  type StateTensor,
  type UpdateInputs,
} from './optimizer.ts';
import { pagedAdamw8bit } from './pagedAdamw8bit.ts';

export { type LowBitStates, lowBitStates } from './lowBit.ts';
export {
  type KnownMoments,
  type Moments,
  type NumberSetting,
  type ParameterStates,
  type SharedNumbers,
  sharedNumbers,
  type StateTensor,
  type UpdateInputs,
} from './optimizer.ts';

/** The registry: all that there are, in the order of lists. The first is the default. */
const definitions = [
  adamw,
  adamw8bit,
  pagedAdamw8bit,
  adamw4bit, //
] as const;

export type OptimizerKind = (typeof definitions)[number]['kind'];

export const optimizers: readonly OptimizerDefinition<OptimizerKind>[] = definitions;

export const optimizerKinds: readonly [OptimizerKind, ...OptimizerKind[]] = [
  definitions[0].kind,
  ...definitions.slice(1).map((d) => d.kind),
];

/** Of a run that names none, and of checkpoints that were written when there was one. */
export const defaultOptimizer: OptimizerKind = definitions[0].kind;

/** One beside the default, for examples in help texts. */
export const exampleOptimizer: OptimizerKind = definitions[1].kind;

const byKind: ReadonlyMap<string, OptimizerDefinition<OptimizerKind>> = new Map(optimizers.map((d) => [d.kind, d]));

export function optimizerOf(kind: OptimizerKind): OptimizerDefinition<OptimizerKind> {
  const definition = byKind.get(kind);
  if (!definition) throw new Error(`there is no optimizer ${kind}`);
  return definition;
}

/** Those of a family, from what needs the most memory of the device and rounds the least. */
export const familyOf = (kind: OptimizerKind): OptimizerKind[] =>
  optimizers
    .filter(({ family }) => family === optimizerOf(kind).family)
    .sort((a, b) => a.compactness - b.compactness)
    .map((d) => d.kind);

/** For people: `AdamW with moments in 8 bits`. */
export const describeOptimizer = (kind: OptimizerKind): string => {
  const { family, keeps, keptIn } = optimizerOf(kind);
  return `${family} with ${keeps} in ${keptIn}`;
};

/** For people, all of them: `AdamW with moments in float32, 8 bits, or 4 bits`. */
export function describeOptimizers(): string {
  const groups = Map.groupBy(optimizers, ({ family, keeps }) => `${family} with ${keeps} in`);
  return [...groups]
    .map(([start, all]) => {
      const formats = all.map((d) => d.keptIn);
      const last = formats.length > 1 ? [`or ${formats.at(-1)}`] : formats.slice(-1);
      return `${start} ${[...formats.slice(0, -1), ...last].join(', ')}`;
    })
    .join('; ');
}

/** The numbers that only one optimizer has, by their names. */
export const ownNumbers: Readonly<Record<string, NumberSetting>> = Object.assign(
  {},
  ...optimizers.map((d) => d.numbers ?? {}),
);
for (const name of Object.keys(ownNumbers)) {
  const owners = optimizers.filter((d) => d.numbers && name in d.numbers);
  if (owners.length > 1 || name in sharedNumbers) throw new Error(`the number ${name} of optimizers is declared twice`);
}

/** The numbers of a run that gives none, and the largest gradient norm (Brown et al. 2020, appendix B). */
export const defaultNumbers = {
  beta1: sharedNumbers.beta1.default,
  beta2: sharedNumbers.beta2.default,
  eps: sharedNumbers.eps.default,
  weightDecay: sharedNumbers.weightDecay.default,
  gradClip: 1,
} as const;

/** An optimizer with the states of a model's parameters. */
export class Optimizer {
  readonly kind: OptimizerKind;
  readonly lowBitStates: LowBitStates;
  readonly states: readonly ParameterStates[];
  readonly #definition: OptimizerDefinition;
  readonly #record: States['record'];

  /** @param lowBit what it does beside the papers' formulas, where it is a low-bit one */
  constructor(kind: OptimizerKind, parameters: { readonly all: readonly Parameter[] }, lowBit: LowBitStates = 'paper') {
    this.kind = kind;
    this.lowBitStates = lowBit;
    this.#definition = optimizerOf(kind);
    const { all, record } = this.#definition.states(parameters.all, lowBit);
    this.states = all;
    this.#record = record;
  }

  get tensors(): StateTensor[] {
    return this.states.flatMap((s) => s.tensors);
  }

  /** How far a step can move a weight: see `OptimizerDefinition`. */
  reach(numbers: SharedNumbers): number {
    return this.#definition.reach(numbers);
  }

  /**
   * Emits one update of every parameter.
   * @param inputs with those of its own numbers in `settings` that are not to have their defaults
   */
  record(r: Recorder, inputs: UpdateInputs): void {
    const given = inputs.settings as SharedNumbers & Readonly<Record<string, number | undefined>>;
    const own = Object.fromEntries(
      Object.entries(this.#definition.numbers ?? {}).map(([name, n]) => [name, given[name] ?? n.default]),
    );
    if (this.#record) this.#record(r, { ...inputs, own });
    else for (const states of this.states) states.record(r, { ...inputs, own });
  }
}

/** The values of a parameter's states from those that another optimizer left, to the bit where both have one format. */
export const carriedOver = (
  from: ParameterStates,
  values: readonly HostArray[],
  to: ParameterStates,
): readonly HostArray[] =>
  from.format === to.format ? values : to.encode(completed(from.decode(values), elements(to.parameter.spec.shape)));
