import type { RunConfig } from './config.ts';
import { Generator } from '../use/generator.ts';
import { Model, type Training } from '../models/programs.ts';
import { type Plan, type PlanRecord, plan, restorePlan } from '../program/planner.ts';
import { Scorer } from '../use/scorer.ts';
import { Evaluator } from './evaluator.ts';
import type { ProgramSettings } from './schedule.ts';

/** What of a run's config decides its programs, and with them its memory. */
export type ProgramConfig = Pick<
  RunConfig,
  'model' | 'precision' | 'batch' | 'recompute' | 'optimizer' | 'sampling'
> & { readonly evaluation?: Pick<RunConfig['evaluation'], 'hellaswagEvery'> };

/** What is known of a phase's programs before they are recorded. */
export interface KnownPrograms {
  /** Of another phase of the same run: what both have is recorded and packed once. */
  readonly like?: RunPrograms | undefined;
  /** Their plan, where it was made before. */
  readonly planned?: PlanRecord | undefined;
}

/** The programs of a run with their plan: what the trainer loads, and what the calculator prints. */
export class RunPrograms {
  /** Sequences in a micro-batch. */
  readonly batch: number;
  readonly model: Model;
  readonly training: Training;
  readonly evaluator: Evaluator;
  readonly generator: Generator;
  /** For HellaSwag, where that is taken during training. */
  readonly scorer: Scorer | undefined;
  readonly plan: Plan;

  /** @param phase what the phase that is trained decides, where it is not as the run says */
  constructor(config: ProgramConfig, phase: Partial<ProgramSettings> = {}, { like, planned }: KnownPrograms = {}) {
    const { model, precision, recompute } = config;
    const { optimizer = config.optimizer.kind, batch = config.batch } = phase;
    const sameBatch = like?.batch === batch ? like : undefined;
    this.batch = batch;
    this.model = like?.model ?? new Model(model, precision);
    const settings = { ...config.optimizer, optimizer, batch, time: model.contextLength, recompute };
    this.training = this.model.training(settings, sameBatch?.training);
    this.evaluator = sameBatch?.evaluator ?? new Evaluator(this.model, batch, model.contextLength);
    this.generator = like?.generator ?? new Generator(this.model, sampleContext(config));
    this.scorer = like
      ? like.scorer
      : (config.evaluation?.hellaswagEvery ?? 0) > 0
        ? new Scorer(this.model)
        : undefined;
    this.plan = (planned && restorePlan(this.programs, planned)) ?? plan(this.programs);
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
