import path from 'node:path';
import { temporaryFolder } from '../../base/temporary.ts';
import { type OpenedCheckpoint, openCheckpoint } from '../checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../run/config.ts';
import { openDevice } from '../devices/choose.ts';
import { parameterTable } from '../models/index.ts';
import { Parameters } from '../models/parameters.ts';
import { type LowBitStates, Optimizer, type OptimizerKind } from '../optimizers/index.ts';
import { validationWindows } from '../../data/sampling/index.ts';
import { openDataset } from '../../data/dataset/index.ts';
import type { HostArray } from '../devices/device.ts';
import { elements, type Precision } from '../program/types.ts';
import { RunData } from '../run/data.ts';
import { Requests } from '../run/requests.ts';
import { openRun, type RunOptions } from '../run/run.ts';
import { train } from '../train.ts';

/** A training whose result tells optimizers apart: short, with a high rate and a vocabulary of which most tokens are rare. */
export interface OptimizerTrial {
  readonly optimizer: OptimizerKind;
  readonly lowBitStates: LowBitStates;
  readonly precision: Precision;
  readonly seed: number;
  readonly steps: number;
  /** Folder of a dataset of GPT-2's tokens. */
  readonly datasetDir: string;
  readonly device: RunConfig['device'];
}

export interface OptimizerResult extends Omit<OptimizerTrial, 'datasetDir' | 'device'> {
  readonly state: string;
  /** Nats a token, after the last step. */
  readonly valLoss: number;
  /** The largest magnitude of all weights, and whose it is. */
  readonly largestWeight: number;
  readonly largestIn: string;
  /** The largest magnitude of each tensor's weights. */
  readonly weights: Readonly<Record<string, number>>;
  /** The largest share of a tensor's second moments that are 0 beside a first moment that is not, and whose it is. */
  readonly lost: number;
  readonly lostIn: string;
  readonly plannedBytes: number;
  readonly seconds: number;
}

/** Of 4 layers, 128 wide, batch 4 × 256, the rate 2e-3 → 2e-4 behind 20 steps of warm-up. */
export function trialConfig({ optimizer, lowBitStates, precision, seed, steps, device }: OptimizerTrial): RunConfig {
  const warmup = Math.min(20, Math.ceil(steps / 2));
  return parseRunConfig({
    model: { vocabSize: 50257, contextLength: 256, nLayer: 4, nHead: 4, nEmbd: 128, dropout: 0 },
    dataset: 'trial',
    tokenizer: 'gpt2',
    seed,
    batch: 4,
    tokensPerStep: 1024,
    phases: [
      { kind: 'warmup', steps: warmup, from: 0, to: 2e-3 },
      { kind: 'cosine', steps: Math.max(1, steps - warmup), from: 2e-3, to: 2e-4 },
    ],
    optimizer: { kind: optimizer, lowBitStates },
    precision,
    device,
    evaluation: { every: 0 },
    sampling: { tokens: 0 },
    // What is measured must not be mended on the way.
    guards: { spike: 0 },
    checkpoints: { every: 0 },
  });
}

/** Trains as a run does, and looks at what it left. @throws UserError as a run's start does */
export async function trialOf(trial: OptimizerTrial): Promise<OptimizerResult> {
  const { datasetDir, device: _, ...settings } = trial;
  const config = trialConfig(trial);
  const started = performance.now();
  const folder = temporaryFolder('trainyard-trial-');
  const root = folder.dir;
  const dataset = openDataset(datasetDir);
  try {
    const validation = validationWindows(dataset.split('val'), config.model.contextLength, config.evaluation.sequences);
    const opened = await openDevice(config.device, { precision: config.precision, findings: undefined });
    let valLoss = Number.NaN;
    let plannedBytes = 0;
    const options: RunOptions = {
      config,
      ...opened,
      peakFlops: Number.NaN,
      training: new RunData(config, { trial: datasetDir }),
      validation,
      tokenizer: { encode: () => [], decode: () => '', byteLength: () => 0, endOfText: -1 },
      checkpointRoot: root,
      emit(event) {
        if (event.type === 'evaluation') ({ valLoss } = event);
        if (event.type === 'started') ({ plannedBytes } = event.memory);
      },
    };
    const run = await openRun(options, new Requests());
    try {
      const { state, step } = await train(run);
      const last = await openCheckpoint(path.join(root, `step-${String(step).padStart(6, '0')}`), { quick: true });
      return {
        ...settings,
        state,
        valLoss,
        ...(await weightsOf(last, config)),
        ...(await lostOf(last, config)),
        plannedBytes,
        seconds: (performance.now() - started) / 1000,
      };
    } finally {
      run.loaded.session.close();
    }
  } finally {
    dataset.close();
    folder.remove();
  }
}

async function weightsOf(
  checkpoint: OpenedCheckpoint,
  { model }: RunConfig,
): Promise<Pick<OptimizerResult, 'largestWeight' | 'largestIn' | 'weights'>> {
  const weights: Record<string, number> = {};
  for (const { spec } of new Parameters(parameterTable(model)).all)
    weights[spec.name] = largestMagnitude(await checkpoint.model(spec.name));
  const [[largestIn, largestWeight]] = Object.entries(weights).sort((a, b) => b[1] - a[1]) as [[string, number]];
  return { largestWeight, largestIn, weights };
}

async function lostOf(
  checkpoint: OpenedCheckpoint,
  { model, optimizer }: RunConfig,
): Promise<Pick<OptimizerResult, 'lost' | 'lostIn'>> {
  let [lost, lostIn] = [0, ''];
  for (const states of new Optimizer(optimizer.kind, new Parameters(parameterTable(model)), optimizer.lowBitStates)
    .states) {
    const values: HostArray[] = [];
    for (const { name } of states.tensors) values.push((await checkpoint.raw('optimizer', name)) as HostArray);
    const { name, fileShape } = states.parameter.spec;
    const share = (states.countLost?.(values) ?? 0) / elements(fileShape);
    if (share > lost) [lost, lostIn] = [share, name];
  }
  return { lost, lostIn };
}

function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (const value of values) {
    const magnitude = Math.abs(value);
    // A weight that is no number must not hide behind the others.
    if (!(magnitude <= largest)) largest = magnitude;
  }
  return largest;
}
