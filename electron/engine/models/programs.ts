import {
  defaultOptimizer,
  type LowBitStates,
  Optimizer,
  type OptimizerKind,
  type SharedNumbers,
} from '../optimizers/index.ts';
import {
  cast,
  clipFactor,
  head,
  headCrossEntropy,
  headCrossEntropyGrad,
  selectRows,
  squaredSum,
  sumLosses,
} from '../ops/index.ts';
import { type Recompute, Recorder } from '../program/recorder.ts';
import type { Buffer, Precision, Program } from '../program/types.ts';
import { familyOf } from './index.ts';
import { type Inputs, inputBuffers, type PackedInputs, packedInputs } from './inputs.ts';
import type { Forward, LayerCache, ModelConfig, ModelFamily } from './model.ts';
import { Parameters } from './parameters.ts';

export interface TrainingSettings extends SharedNumbers {
  /** Sequences in one micro-batch. */
  readonly batch: number;
  /** Tokens in one sequence; at most the model's context length. */
  readonly time: number;
  readonly recompute: Recompute;
  /** Largest global gradient norm; 0 clips nothing. */
  readonly gradClip: number;
  /** Default: `defaultOptimizer`. */
  readonly optimizer?: OptimizerKind;
  /** What a low-bit one does beside its paper's formula. Default: `stable`. */
  readonly lowBitStates?: LowBitStates;
}

const output = (name: string, shape: number[]): Buffer => ({ name, shape, dtype: 'f32', role: 'output' });

/** A model's buffers, and the programs over them, whatever its family. */
export class Model {
  readonly family: ModelFamily;
  readonly config: ModelConfig;
  readonly precision: Precision;
  readonly parameters: Parameters;
  /** Makes the working weights from the parameters; no calls where they are the same. To run when these were written. */
  readonly castWeights: Program;

  /** @param precision of activations and working weights */
  constructor(config: ModelConfig, precision: Precision = 'f32') {
    this.family = familyOf(config);
    this.config = config;
    this.precision = precision;
    this.parameters = new Parameters(this.family.parameterTable(config), precision);
    const r = new Recorder();
    r.beginUpdate();
    this.recordCasts(r);
    this.castWeights = r.program('castWeights');
  }

  /** Emits what brings the working weights up to date with the parameters. */
  recordCasts(r: Recorder): void {
    for (const { value, working } of this.parameters.all) if (working !== value) r.emit(cast, { x: value, y: working });
  }

  /** Records the forward pass. @returns hidden states, and what the output head multiplies them by */
  forward(f: Omit<Forward, 'config' | 'p'>): { x: Buffer; wte: Buffer } {
    const x = this.family.forward({ ...f, config: this.config, p: this.parameters });
    return { x, wte: this.parameters.get(this.family.headWeight) };
  }

  /**
   * The programs of a training step: the first micro-batch, every further one, and the update.
   * @param like of this model, with the same micro-batches: they are recorded once, whatever updates the weights
   */
  training(settings: TrainingSettings, like?: Training): Training {
    return new Training(this, settings, like);
  }

  /** Losses of `batch` sequences of `time` tokens, per target, without gradients. */
  evaluation(batch: number, time: number, shared?: Inputs): { program: Program; inputs: Inputs; losses: Buffer } {
    const inputs = inputBuffers(batch, time, shared);
    const losses = output('losses', [batch * time]);
    const r = new Recorder({ precision: this.precision });
    const { x, wte } = this.forward({ r, inputs, dropout: 0 });
    r.emit(headCrossEntropy, { x, wte, targets: inputs.targets, losses }, { vocab: this.config.vocabSize });
    return { program: r.program('evaluate'), inputs, losses };
  }

  /** Losses of the wanted tokens of texts that are packed into one row, [rows]; 0 where no target is given. */
  scoring(rows: number): { program: Program; inputs: PackedInputs; losses: Buffer } {
    const inputs = packedInputs(rows);
    const losses = output('packed.losses', [rows]);
    const r = new Recorder({ precision: this.precision });
    const { x: all, wte } = this.forward({ r, inputs, dropout: 0 });
    const x = r.activation('selected', all.shape);
    r.emit(selectRows, { x: all, index: inputs.rows, y: x });
    r.emit(headCrossEntropy, { x, wte, targets: inputs.targets, losses }, { vocab: this.config.vocabSize });
    return { program: r.program('score'), inputs, losses };
  }

  /** Keys and values of every layer for `batch` sequences being generated, of `context` tokens at most. */
  cache(batch: number, context: number = this.config.contextLength): LayerCache[] {
    const { nLayer, nHead, nEmbd } = this.config;
    const shape = [batch, this.family.keyValueHeads(this.config), context, nEmbd / nHead];
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
    const { x, wte } = this.forward({ r, inputs, dropout: 0, cache });
    r.emit(head, { x, wte, logits });
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
    this.forward({ r, inputs, dropout: 0, cache });
    return { program: r.program(`prefill${time}`), inputs };
  }
}

/** The programs of a training step, and the buffers through which the trainer talks to them. */
export class Training {
  readonly inputs: Inputs;
  readonly optimizer: Optimizer;
  /** Sum of the losses of the micro-batches so far, [1]. */
  readonly lossTotal: Buffer;
  /** See `statIndex`. */
  readonly stats: Buffer;
  /** Squared gradient norm of each parameter. */
  readonly squares: Buffer;
  readonly first: Program;
  readonly further: Program;
  readonly update: Program;
  readonly #model: Model;
  readonly #settings: TrainingSettings;

  constructor(model: Model, settings: TrainingSettings, like?: Training) {
    this.#model = model;
    this.#settings = settings;
    this.inputs = like?.inputs ?? inputBuffers(settings.batch, settings.time);
    this.lossTotal = like?.lossTotal ?? output('lossTotal', [1]);
    this.stats = like?.stats ?? output('stats', [4]);
    this.optimizer = new Optimizer(
      settings.optimizer ?? defaultOptimizer,
      model.parameters,
      settings.lowBitStates ?? 'stable',
    );
    this.squares = like?.squares ?? output('squares', [model.parameters.all.length]);
    this.first = like?.first ?? this.#microBatch(false);
    this.further = like?.further ?? this.#microBatch(true);
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
    const { x, wte } = this.#model.forward({ r, inputs, dropout: config.dropout });
    const losses = r.transient('losses', [inputs.targets.shape[0]! * inputs.targets.shape[1]!]);
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
