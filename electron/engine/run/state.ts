import { z } from 'zod';
import type { OpenedCheckpoint } from '../checkpoint/index.ts';
import type { DeviceChoices } from '../devices/device.ts';
import { defaultOptimizer, lowBitStates, type Optimizer, optimizerKinds } from '../optimizers/index.ts';
import { sourceName } from '../../data/sampling/mix.ts';
import { everything } from '../../data/subsets.ts';
import { freshGuards } from './stability.ts';

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
  optimizer: z.enum(optimizerKinds).default(defaultOptimizer),
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
  optimizer: defaultOptimizer,
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
  device: z.object({ kind: z.string().optional(), of: z.string(), choices: z.unknown() }).optional(),
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
