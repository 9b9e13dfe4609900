import type { RunConfig } from '../config.ts';
import { Generator } from '../generator.ts';
import { Gpt2, type Training } from '../gpt2/programs.ts';
import { type Plan, plan } from '../program/planner.ts';
import { Scorer } from '../scorer.ts';
import { Evaluator } from './evaluator.ts';
import type { ProgramSettings } from './schedule.ts';

/** What of a run's config decides its programs, and with them its memory. */
export type ProgramConfig = Pick<
  RunConfig,
  'model' | 'precision' | 'batch' | 'recompute' | 'optimizer' | 'sampling'
> & { readonly evaluation?: Pick<RunConfig['evaluation'], 'hellaswagEvery'> };

/** The programs of a run with their plan: what the trainer loads, and what the calculator prints. */
export class RunPrograms {
  /** Sequences in a micro-batch. */
  readonly batch: number;
  readonly model: Gpt2;
  readonly training: Training;
  readonly evaluator: Evaluator;
  readonly generator: Generator;
  /** For HellaSwag, where that is taken during training. */
  readonly scorer: Scorer | undefined;
  readonly plan: Plan;

  /** @param phase what the phase that is trained decides, where it is not as the run says */
  constructor(config: ProgramConfig, phase: Partial<ProgramSettings> = {}) {
    const { model, precision, recompute } = config;
    const { optimizer = config.optimizer.kind, batch = config.batch } = phase;
    this.batch = batch;
    this.model = new Gpt2(model, precision);
    this.training = this.model.training({
      ...config.optimizer,
      optimizer,
      batch,
      time: model.contextLength,
      recompute,
    });
    this.evaluator = new Evaluator(this.model, batch, model.contextLength);
    this.generator = new Generator(this.model, sampleContext(config));
    this.scorer = (config.evaluation?.hellaswagEvery ?? 0) > 0 ? new Scorer(this.model) : undefined;
    this.plan = plan(this.programs);
  }

  get programs() {
    const { training, evaluator, generator, scorer, model } = this;
    const scoring = scorer ? [scorer.program] : [];
    return [...training.programs, evaluator.program, ...generator.programs, ...scoring, model.castWeights];
  }
}

/** Tokens that the longest sample can have; a token is never shorter than a byte of its prompt. */
function sampleContext({ model, sampling }: ProgramConfig): number {
  const prompts = sampling.prompts.map((p) => Math.max(1, Buffer.byteLength(p)));
  return Math.min(model.contextLength, Math.max(1, ...prompts) + sampling.tokens);
}
