import fs from 'node:fs';
import path from 'node:path';
import type { Session } from '../../../electron/engine/devices/device.ts';
import type { ModelConfig } from '../../../electron/engine/models/index.ts';
import { scalarCount, scalarIndex } from '../../../electron/engine/ops/scalars.ts';
import type { Parameter, Parameters } from '../../../electron/engine/models/parameters.ts';
import { elements } from '../../../electron/engine/program/types.ts';
import { goldenPath } from '../../golden/path.ts';

export const goldenCases = ['gpt2-tiny', 'gpt2-odd'] as const;

interface Batch {
  readonly inputs: number[][];
  readonly targets: number[][];
  readonly mean_loss: number;
  readonly grad_norm: number;
}

interface Train {
  readonly betas: [number, number];
  readonly eps: number;
  readonly weight_decay: number;
  readonly grad_clip: number;
  readonly micro_batches: number;
  /** [step][micro-batch][sequence][time + 1] */
  readonly batches: number[][][][];
  readonly log: readonly { readonly lr: number; readonly loss: number; readonly grad_norm: number }[];
}

/** One case of reference data: float64 PyTorch, stored as float32. */
export class Golden {
  readonly config: ModelConfig;
  readonly batch: Batch;
  readonly train: Train;
  readonly #dir: string;

  constructor(name: (typeof goldenCases)[number]) {
    this.#dir = goldenPath(name);
    const c = this.#json('config.json') as Record<string, number>;
    this.config = {
      vocabSize: c.vocab_size!,
      contextLength: c.n_positions!,
      nLayer: c.n_layer!,
      nHead: c.n_head!,
      nEmbd: c.n_embd!,
      dropout: 0,
    };
    this.batch = this.#json('batch.json') as Batch;
    this.train = this.#json('train.json') as Train;
  }

  tensors(file: 'model' | 'forward' | 'grads' | 'trained'): Map<string, Float32Array> {
    return readSafetensors(path.join(this.#dir, `${file}.safetensors`));
  }

  #json(file: string): unknown {
    return JSON.parse(fs.readFileSync(path.join(this.#dir, file), 'utf8'));
  }
}

/** Float32 tensors only: independent of the product's own reader. */
export function readSafetensors(file: string): Map<string, Float32Array> {
  const bytes = fs.readFileSync(file);
  const length = Number(bytes.readBigUInt64LE(0));
  const head = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>;
  const rows = Object.entries(head).filter(([name]) => name !== '__metadata__');
  return new Map(
    rows.map(
      ([
        name,
        {
          data_offsets: [from, to],
        },
      ]) => {
        const data = Uint8Array.from(bytes.subarray(8 + length + from, 8 + length + to));
        return [name, new Float32Array(data.buffer)];
      },
    ),
  );
}

/** Writes weights; the rows that pad the vocabulary get NaN, which must never be seen. */
export function writeWeights(session: Session, parameters: Parameters, tensors: Map<string, Float32Array>): void {
  for (const { spec, value } of parameters.all) {
    const padded = new Float32Array(elements(spec.shape)).fill(Number.NaN);
    padded.set(tensors.get(spec.name)!);
    session.write(value, padded);
  }
}

/** The part of a parameter, or of its gradient, that is not padding. */
export function readReal(session: Session, p: Parameter, which: 'value' | 'gradient' = 'value'): Float32Array {
  return (session.read(p[which]) as Float32Array).subarray(0, elements(p.spec.fileShape));
}

/** The scalars of one optimizer step. @param step counted from 1 */
export function stepScalars(
  step: number,
  learningRate: number,
  betas: readonly [number, number],
  targets: number,
  lossScale = 1,
): Float32Array {
  const s = new Float32Array(scalarCount);
  s[scalarIndex.learningRate] = learningRate;
  s[scalarIndex.biasCorrection1] = 1 / (1 - betas[0] ** step);
  s[scalarIndex.biasCorrection2] = 1 / (1 - betas[1] ** step);
  s[scalarIndex.lossScale] = lossScale;
  s[scalarIndex.lossGradient] = lossScale / targets;
  return s;
}

export const ints = (rows: readonly (readonly number[])[]): Int32Array => Int32Array.from(rows.flat());
