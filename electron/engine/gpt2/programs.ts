import { type AdamWSettings, type LowBitStates, Optimizer, type OptimizerKind } from '../optimizers/index.ts';
import {
  cast,
  clipFactor,
  head,
  headCrossEntropy,
  headCrossEntropyGrad,
  selectRows,
  squaredSum,
  sumLosses,
} from '../program/ops/index.ts';
import { type Recompute, Recorder } from '../program/recorder.ts';
import type { Buffer, Precision, Program } from '../program/types.ts';
import type { ModelConfig } from './config.ts';
import { type Inputs, inputBuffers, type PackedInputs, packedInputs } from './inputs.ts';
import { forward, type LayerCache } from './model.ts';
import { Parameters } from './parameters.ts';

export interface TrainingSettings extends AdamWSettings {
  /** Sequences in one micro-batch. */
  readonly batch: number;
  /** Tokens in one sequence; at most the model's context length. */
  readonly time: number;
  readonly recompute: Recompute;
  /** Largest global gradient norm; 0 clips nothing. */
  readonly gradClip: number;
  /** In which format the moments are kept. Default: `adamw`, float32. */
  readonly optimizer?: OptimizerKind;
  /** What a low-bit one does beside its paper's formula. Default: `stable`. */
  readonly lowBitStates?: LowBitStates;
}

const output = (name: string, shape: number[]): Buffer => ({ name, shape, dtype: 'f32', role: 'output' });

/** A model's buffers, and the programs over them. */
export class Gpt2 {
  readonly config: ModelConfig;
  readonly precision: Precision;
  readonly parameters: Parameters;
  /** Makes the working weights from the parameters; no calls where they are the same. To run when these were written. */
  readonly castWeights: Program;

  /** @param precision of activations and working weights */
  constructor(config: ModelConfig, precision: Precision = 'f32') {
    this.config = config;
    this.precision = precision;
    this.parameters = new Parameters(config, precision);
    const r = new Recorder();
    r.beginUpdate();
    this.recordCasts(r);
    this.castWeights = r.program('castWeights');
  }

  /** Emits what brings the working weights up to date with the parameters. */
  recordCasts(r: Recorder): void {
    for (const { value, working } of this.parameters.all) if (working !== value) r.emit(cast, { x: value, y: working });
  }

  /** The programs of a training step: the first micro-batch, every further one, and the update. */
  training(settings: TrainingSettings): Training {
    return new Training(this, settings);
  }

  /** Losses of `batch` sequences of `time` tokens, per target, without gradients. */
  evaluation(batch: number, time: number, shared?: Inputs): { program: Program; inputs: Inputs; losses: Buffer } {
    const inputs = inputBuffers(batch, time, shared);
    const losses = output('losses', [batch * time]);
    const r = new Recorder({ precision: this.precision });
    const x = forward({ r, config: this.config, p: this.parameters, inputs, dropout: 0 });
    const wte = this.parameters.get('wte.weight');
    r.emit(headCrossEntropy, { x, wte, targets: inputs.targets, losses }, { vocab: this.config.vocabSize });
    return { program: r.program('evaluate'), inputs, losses };
  }

  /** Losses of the wanted tokens of texts that are packed into one row, [rows]; 0 where no target is given. */
  scoring(rows: number): { program: Program; inputs: PackedInputs; losses: Buffer } {
    const inputs = packedInputs(rows);
    const losses = output('packed.losses', [rows]);
    const r = new Recorder({ precision: this.precision });
    const all = forward({ r, config: this.config, p: this.parameters, inputs, dropout: 0 });
    const x = r.activation('selected', all.shape);
    r.emit(selectRows, { x: all, index: inputs.rows, y: x });
    const wte = this.parameters.get('wte.weight');
    r.emit(headCrossEntropy, { x, wte, targets: inputs.targets, losses }, { vocab: this.config.vocabSize });
    return { program: r.program('score'), inputs, losses };
  }

  /** Keys and values of every layer for `batch` sequences being generated, of `context` tokens at most. */
  cache(batch: number, context: number = this.config.contextLength): LayerCache[] {
    const { nLayer, nHead, nEmbd } = this.config;
    const shape = [batch, nHead, context, nEmbd / nHead];
    return Array.from({ length: nLayer }, (_, i) => ({
      k: { name: `h.${i}.k`, shape, dtype: this.precision, role: 'cache' },
      v: { name: `h.${i}.v`, shape, dtype: this.precision, role: 'cache' },
    }));
  }

  /** Logits of `time` new tokens of each sequence, on top of what the cache holds: prefill, or one token at a time. */
  decode(
    batch: number,
    time: number,
    cache: readonly LayerCache[],
    shared?: Inputs,
  ): { program: Program; inputs: Inputs; logits: Buffer } {
    const inputs = inputBuffers(batch, time, shared);
    const logits = output(`logits.${time}`, [batch * time, this.config.vocabSize]);
    const r = new Recorder({ precision: this.precision });
    const x = forward({ r, config: this.config, p: this.parameters, inputs, dropout: 0, cache });
    r.emit(head, { x, wte: this.parameters.get('wte.weight'), logits });
    return { program: r.program(time === 1 ? 'decode' : `decode${time}`), inputs, logits };
  }

  /** Puts `time` tokens of each sequence into the cache, and asks for no logits: those of a prompt but its last. */
  prefill(
    batch: number,
    time: number,
    cache: readonly LayerCache[],
    shared: Inputs,
  ): { program: Program; inputs: Inputs } {
    const inputs = inputBuffers(batch, time, shared);
    const r = new Recorder({ precision: this.precision });
    forward({ r, config: this.config, p: this.parameters, inputs, dropout: 0, cache });
    return { program: r.program(`prefill${time}`), inputs };
  }
}

/** The programs of a training step, and the buffers through which the trainer talks to them. */
export class Training {
  readonly inputs: Inputs;
  readonly optimizer: Optimizer;
  /** Sum of the losses of the micro-batches so far, [1]. */
  readonly lossTotal: Buffer = output('lossTotal', [1]);
  /** See `statIndex`. */
  readonly stats: Buffer = output('stats', [4]);
  /** Squared gradient norm of each parameter. */
  readonly squares: Buffer;
  readonly first: Program;
  readonly further: Program;
  readonly update: Program;
  readonly #model: Gpt2;
  readonly #settings: TrainingSettings;

  constructor(model: Gpt2, settings: TrainingSettings) {
    this.#model = model;
    this.#settings = settings;
    this.inputs = inputBuffers(settings.batch, settings.time);
    this.optimizer = new Optimizer(settings.optimizer ?? 'adamw', model.parameters, settings.lowBitStates ?? 'stable');
    this.squares = output('squares', [model.parameters.all.length]);
    this.first = this.#microBatch(false);
    this.further = this.#microBatch(true);
    this.update = this.#update();
  }

  get programs(): Program[] {
    return [this.first, this.further, this.update];
  }

  #microBatch(accumulate: boolean): Program {
    const { config, parameters: p, precision } = this.#model;
    const { inputs } = this;
    const { recompute } = this.#settings;
    const r = new Recorder({ training: true, recompute, precision, gradientOf: p.gradientOf, accumulate });
    const x = forward({ r, config, p, inputs, dropout: config.dropout });
    const losses = r.transient('losses', [inputs.targets.shape[0]! * inputs.targets.shape[1]!]);
    const wte = p.get('wte.weight');
    const [dx, dwte] = [r.into(x), r.into(wte)];
    const { targets, scalars } = inputs;
    const args = { x, wte, targets, scalars, losses, dx: dx.buffer, dwte: dwte.buffer };
    r.emit(headCrossEntropyGrad, args, { vocab: config.vocabSize }, dwte.accumulate ? ['dwte'] : []);
    r.emit(sumLosses, { losses, total: this.lossTotal }, {}, accumulate ? ['total'] : []);
    r.backward();
    return r.program(accumulate ? 'microBatch' : 'firstMicroBatch');
  }

  #update(): Program {
    const { parameters: p } = this.#model;
    const r = new Recorder();
    r.beginUpdate();
    for (const [index, { gradient }] of p.all.entries()) {
      r.emit(squaredSum, { g: gradient, squares: this.squares }, { index });
    }
    const { scalars } = this.inputs;
    r.emit(clipFactor, { squares: this.squares, scalars, stats: this.stats }, { maxNorm: this.#settings.gradClip });
    this.optimizer.record(r, { settings: this.#settings, stats: this.stats, scalars });
    this.#model.recordCasts(r);
    return r.program('update');
  }
}
