import { largestThatFits } from '../../engine/fit/fit.ts';
import { gpus } from '../../engine/fit/gpus.ts';
import { api } from '../context.ts';
import { budgetOf, matrixReport, planReport } from './plan.ts';

export const fit = {
  gpus: api.fit.gpus.handler(() => gpus.map(({ id, name, memoryMiB }) => ({ id, name, memoryMiB }))),
  plan: api.fit.plan.handler(({ input, context: { studio } }) =>
    planReport(input.config, budgetOf(input.budget, studio.home)),
  ),
  matrix: api.fit.matrix.handler(({ input, context: { studio } }) =>
    matrixReport(input.config, budgetOf(input.budget, studio.home)),
  ),
  solve: api.fit.solve.handler(({ input, context: { studio } }) => {
    const { totalBytes, reserveBytes } = budgetOf(input.budget, studio.home);
    return { value: largestThatFits(input.config, input.dimension, totalBytes - reserveBytes) };
  }),
};
