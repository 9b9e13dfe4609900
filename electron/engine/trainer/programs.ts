import { UserError } from '../../errors.ts';
import { formatBytes } from '../../format.ts';
import type { RunConfig } from '../config.ts';
import { Generator } from '../generator.ts';
import { Gpt2, type Training } from '../gpt2/programs.ts';
import type { OptimizerKind } from '../optimizers/index.ts';
import { type Plan, plan } from '../program/planner.ts';
import { Evaluator } from './evaluator.ts';

/** What of a run's config decides its programs, and with them its memory. */
export type ProgramConfig = Pick<RunConfig, 'model' | 'precision' | 'batch' | 'recompute' | 'optimizer' | 'sampling'>;

/** The programs of a run with their plan: what the trainer loads, and what the calculator prints. */
export class RunPrograms {
  readonly model: Gpt2;
  readonly training: Training;
  readonly evaluator: Evaluator;
  readonly generator: Generator;
  readonly plan: Plan;

  /** @param optimizer of the phase, where it is not the run's */
  constructor(config: ProgramConfig, optimizer: OptimizerKind = config.optimizer.kind) {
    const { model, precision, batch, recompute } = config;
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
    this.plan = plan(this.programs);
  }

  get programs() {
    const { training, evaluator, generator, model } = this;
    return [...training.programs, evaluator.program, generator.program, model.castWeights];
  }
}

/** Tokens that the longest sample can have; a token is never shorter than a byte of its prompt. */
function sampleContext({ model, sampling }: ProgramConfig): number {
  const prompts = sampling.prompts.map((p) => Math.max(1, Buffer.byteLength(p)));
  return Math.min(model.contextLength, Math.max(1, ...prompts) + sampling.tokens);
}

/** @throws UserError when a plan needs more than the device has: before anything is allocated */
export function requireMemory({ totalBytes, hostBytes }: Plan, memoryBytes: number): void {
  const bytes = totalBytes + hostBytes;
  if (bytes <= memoryBytes) return;
  throw new UserError(
    `The run needs ${formatBytes(bytes)} and the device has ${formatBytes(memoryBytes)}: ${formatBytes(bytes - memoryBytes)} too much. \`trainyard fit --memory ${Math.floor(memoryBytes / 2 ** 30)}\` with its settings says what would fit.`,
  );
}
