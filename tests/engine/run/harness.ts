import fs from 'node:fs';
import path from 'node:path';
import { type OpenedCheckpoint, openCheckpoint } from '../../../electron/engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig, type RunConfigInput } from '../../../electron/engine/run/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import type { Outcome, RunEvent, StepMetrics } from '../../../electron/engine/run/events.ts';
import type { MixPart } from '../../../electron/data/sampling/mix.ts';
import { Requests } from '../../../electron/engine/run/requests.ts';
import { openRun, type RunOptions } from '../../../electron/engine/run/run.ts';
import { train as trainRun } from '../../../electron/engine/train.ts';
import { Random } from '../random.ts';

const vocabSize = 61;
const contextLength = 16;

/** A model of some 40,000 parameters, large enough for some of its tensors to be quantized. */
export const smallRun = (changes: Partial<RunConfigInput> = {}): RunConfig =>
  parseRunConfig({
    model: { vocabSize, contextLength, nLayer: 2, nHead: 2, nEmbd: 40, dropout: 0.1 },
    dataset: 'made up',
    tokenizer: 'bytes',
    seed: 5,
    batch: 2,
    tokensPerStep: 4 * contextLength,
    phases: [{ kind: 'constant', steps: 6, from: 3e-3, to: 3e-3 }],
    evaluation: { every: 0, sequences: 4 },
    sampling: { tokens: 0 },
    checkpoints: { every: 0, keepLast: 9 },
    ...changes,
  });

/** Text that a model can learn: the next token is mostly the one after this one. */
function sequence(n: number) {
  const random = new Random(n + 1);
  let token = random.integer(0, vocabSize - 1);
  const tokens = Int32Array.from({ length: contextLength + 1 }, () => {
    token = random.uniform() < 0.8 ? (token * 7 + 3) % vocabSize : random.integer(0, vocabSize - 1);
    return token;
  });
  return { inputs: tokens.subarray(0, contextLength), targets: tokens.subarray(1) };
}

export interface Trained {
  readonly outcome: Outcome;
  readonly events: readonly RunEvent[];
  readonly losses: readonly number[];
  /** How many events had been told when the trainer asked that all be stored. */
  readonly flushes: readonly number[];
  /** Opens the checkpoint of a step. */
  checkpoint(step: number): Promise<OpenedCheckpoint>;
}

/** Other sources have other sequences. */
function data({ dataset, subset }: Pick<MixPart, 'dataset' | 'subset'>) {
  const shift = dataset === 'made up' && subset.to - subset.from === 100 ? 0 : 1e7 * (subset.from + dataset.length);
  return { read: (n: number) => sequence(n + shift) };
}

/** Trains a run from its beginning or a checkpoint. `stopAfter` requests a stop when that step's metrics come. */
export async function train(
  device: Device,
  root: string,
  config: RunConfig,
  {
    from,
    stopAfter,
    onStep,
    onEvent,
    isThere,
    system,
    validationOf,
  }: {
    from?: OpenedCheckpoint;
    stopAfter?: number;
    onStep?: (requests: Requests, step: number) => void;
    onEvent?: (requests: Requests, event: RunEvent) => void;
    isThere?: () => boolean;
    system?: RunOptions['system'];
    validationOf?: RunOptions['validationOf'];
  } = {},
): Promise<Trained> {
  const events: RunEvent[] = [];
  const flushes: number[] = [];
  const requests = new Requests();
  const run = await openRun(
    {
      config,
      device,
      memory: { bytes: 2 ** 40 },
      peakFlops: Number.NaN,
      training: { open: data, isThere: isThere ?? (() => true), add() {} },
      validation: { count: 4, read: (i) => sequence(1e6 + i) },
      tokenizer: { encode: () => [1], byteLength: () => 0, decode: () => '', endOfText: -1 },
      checkpointRoot: root,
      ...(system ? { system } : {}),
      ...(validationOf ? { validationOf } : {}),
      async flush() {
        flushes.push(events.length);
      },
      emit(event) {
        events.push(event);
        onEvent?.(requests, event);
        if (event.type !== 'metrics') return;
        if (event.step === stopAfter) requests.stop();
        onStep?.(requests, event.step);
      },
    },
    requests,
    from,
  );
  const outcome = await trainRun(run);
  run.loaded.session.close();
  const metrics = events.filter((e): e is { type: 'metrics' } & StepMetrics => e.type === 'metrics');
  return {
    outcome,
    events,
    flushes,
    losses: metrics.map((m) => m.loss),
    checkpoint: (step) => openCheckpoint(path.join(root, `step-${String(step).padStart(6, '0')}`)),
  };
}

/** Weights and optimizer states of a checkpoint, as they are on the disk. */
export const weightsOf = (root: string, step: number): Buffer[] =>
  ['model.safetensors', 'optimizer.safetensors'].map((file) =>
    fs.readFileSync(path.join(root, `step-${String(step).padStart(6, '0')}`, file)),
  );
