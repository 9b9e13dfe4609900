import { gpus } from '../../engine/fit/gpus.ts';
import { api } from '../context.ts';
import { budgetOf } from './budget.ts';

/** Each is planned by the studio's planner, and given up when its window asks something else. */
export const fit = {
  gpus: api.fit.gpus.handler(() => gpus.map(({ id, name, memoryMiB }) => ({ id, name, memoryMiB }))),
  plan: api.fit.plan.handler(({ input: { config, budget }, context: { studio }, signal }) =>
    studio.planner.ask('plan', { config, budget: budgetOf(budget, studio.home) }, signal),
  ),
  matrix: api.fit.matrix.handler(({ input: { config, budget }, context: { studio }, signal }) =>
    studio.planner.ask('matrix', { config, budget: budgetOf(budget, studio.home) }, signal),
  ),
  solve: api.fit.solve.handler(async ({ input: { config, budget, dimension }, context: { studio }, signal }) => {
    const { totalBytes, reserveBytes } = budgetOf(budget, studio.home);
    const asked = { config, dimension, bytes: totalBytes - reserveBytes };
    return { value: await studio.planner.ask('solve', asked, signal) };
  }),
};
