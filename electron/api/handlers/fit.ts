import { ORPCError } from '@orpc/server';
import { gpus } from '../../engine/fit/gpus.ts';
import { checkModelConfig, type ModelConfig } from '../../engine/gpt2/config.ts';
import { messageOf, UsageError } from '../../errors.ts';
import { api } from '../context.ts';
import { budgetOf } from './budget.ts';

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
  solve: api.fit.solve.handler(async ({ input: { config, budget, dimension }, context: { studio }, signal }) => {
    const { totalBytes, reserveBytes } = budgetOf(budget, studio.home);
    const asked = { config, dimension, bytes: totalBytes - reserveBytes };
    return { value: await studio.planner.ask('solve', asked, signal) };
  }),
};
