import fs from 'node:fs';
import { packageFile } from '../../paths.ts';
import { api, subscription } from '../context.ts';
import type { PublishedRun } from '../types.ts';

export const models = {
  generate: api.models.generate.handler(({ input, context: { studio } }) => {
    const { id, step, prompt, ...sampling } = input;
    return subscription('models.generate', studio.generate(studio.store.getRun(id), step, prompt, sampling));
  }),
  evaluate: api.models.evaluate.handler(({ input, context: { studio } }) =>
    subscription('models.evaluate', studio.evaluate(studio.store.getRun(input.id), input.step, input.sequences)),
  ),
  published: api.models.published.handler(
    () => JSON.parse(fs.readFileSync(packageFile('resources/published.json'), 'utf8')) as PublishedRun[],
  ),
};
