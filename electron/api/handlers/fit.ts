import { ORPCError } from '@orpc/server';
import { getTokenizer } from '../../data/tokenizers/index.ts';
import { defaultDevice, gpuDevice } from '../../engine/devices/choose.ts';
import { kindOf } from '../../engine/devices/registry.ts';
import { findGpu, gpus } from '../../engine/fit/gpus.ts';
import { gpuRecipePrecision, type KnownSpeed } from '../../engine/fit/speed.ts';
import { checkModelConfig, type ModelConfig } from '../../engine/models/index.ts';
import type { Precision } from '../../engine/program/types.ts';
import { messageOf, UsageError, UserError } from '../../base/errors.ts';
import { speedOfSheet } from '../../studio/time/estimate.ts';
import { api } from '../context.ts';
import { type Budget, budgetOf } from './budget.ts';

/** What no model can be is told at the settings that it follows from. */
function requireModel(model: ModelConfig): void {
  try {
    checkModelConfig(model);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    const message = messageOf(error);
    throw new ORPCError('BAD_REQUEST', { message, data: { problems: [{ path: 'config.model', message }] } });
  }
}

const deviceOf = ({ gpu }: Budget & { readonly kind: 'machine' }) =>
  gpu === undefined ? defaultDevice() : gpuDevice(gpu);

/** What is asked about, as it computes. @throws UserError where nothing is known of its speed */
function targetOf(budget: Budget, home: string): { readonly speed: KnownSpeed; readonly precision: Precision } {
  if (budget.kind === 'gpu') return { speed: speedOfSheet(findGpu(budget.id)), precision: gpuRecipePrecision };
  if (budget.kind === 'memory') throw new UserError('A memory alone has no speed: choose a GPU, or this machine.');
  const device = deviceOf(budget);
  const kind = kindOf(device.kind);
  const speed = kind.speed?.({ ...device }, home);
  if (!speed?.rates)
    throw new UserError(
      `The speed of ${speed?.name ?? kind.noun} is unknown: choose a GPU from the list, or try again in a moment.`,
    );
  return { speed, precision: kind.recipePrecision ?? 'f32' };
}

/** Each is planned by the studio's planner, and given up when its window asks something else. */
export const fit = {
  gpus: api.fit.gpus.handler(() => gpus.map(({ id, name, memoryMiB }) => ({ id, name, memoryMiB }))),
  plan: api.fit.plan.handler(({ input: { config, budget }, context: { studio }, signal }) => {
    requireModel(config.model);
    return studio.planner.ask('plan', { config, budget: budgetOf(budget, studio.home) }, signal);
  }),
  matrix: api.fit.matrix.handler(({ input: { config, budget }, context: { studio }, signal }) =>
    studio.planner.ask('matrix', { config, budget: budgetOf(budget, studio.home) }, signal),
  ),
  suggest: api.fit.suggest.handler(async ({ input, context: { studio }, signal }) => {
    const { budget: asked, contextLength, tokenizer, hours } = input;
    if (asked.kind === 'machine') await studio.time.knowSpeed(deviceOf(asked).kind, signal);
    const { speed, precision } = targetOf(asked, studio.home);
    const { totalBytes, reserveBytes, hostBytes } = budgetOf(asked, studio.home);
    const { vocabSize } = getTokenizer(tokenizer);
    const question = { speed, precision, bytes: totalBytes - reserveBytes, hostBytes, contextLength, vocabSize, hours };
    const { low, likely, high } = speed.slowdown;
    return {
      on: speed.name,
      suggestions: await studio.planner.ask('suggest', question, signal),
      factors: [likely / high, likely / low],
    };
  }),
  solve: api.fit.solve.handler(async ({ input: { config, budget, dimension }, context: { studio }, signal }) => {
    const { totalBytes, reserveBytes } = budgetOf(budget, studio.home);
    const asked = { config, dimension, bytes: totalBytes - reserveBytes };
    return { value: await studio.planner.ask('solve', asked, signal) };
  }),
};
