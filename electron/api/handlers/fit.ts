import { largestThatFits } from '../../engine/fit/fit.ts';
import { gpus } from '../../engine/fit/gpus.ts';
import { api } from '../context.ts';
import { budgetOf, matrixReport, planReport } from './plan.ts';

export const fit = {
  gpus: api.fit.gpus.handler(() => gpus.map(({ id, name, memoryMiB }) => ({ id, name, memoryMiB }))),
  plan: api.fit.plan.handler(({ input }) => planReport(input.config, input.budget)),
  matrix: api.fit.matrix.handler(({ input }) => matrixReport(input.config, input.budget)),
  solve: api.fit.solve.handler(({ input }) => {
    const { totalBytes, reserveBytes } = budgetOf(input.budget);
    return { value: largestThatFits(input.config, input.dimension, totalBytes - reserveBytes) };
  }),
};
