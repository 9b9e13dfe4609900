import fs from 'node:fs';
import { requireDevice } from '../../engine/devices/choose.ts';
import { packageFile } from '../../base/paths.ts';
import { allEvalRows, evalsCsv, evalsMarkdown } from '../../studio/evals.ts';
import { evaluateAll } from '../../studio/jobs/evaluateAll.ts';
import { given } from '../../studio/jobs/given.ts';
import type { Studio } from '../../studio/studio.ts';
import { api } from '../context.ts';
import type { EvalRow, PublishedRun } from '../types.ts';

const allRows = (studio: Studio): EvalRow[] => allEvalRows(studio.store, studio.store.runs.list({ archived: false }));

export const models = {
  generate: api.models.generate.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('generate', input).id,
  })),
  evaluate: api.models.evaluate.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('validation', input).id,
  })),
  evals: api.models.evals.handler(({ context: { studio } }) => allRows(studio)),
  exportEvals: api.models.exportEvals.handler(({ input, context: { studio } }) =>
    (input.format === 'csv' ? evalsCsv : evalsMarkdown)(allRows(studio)),
  ),
  hellaswag: api.models.hellaswag.handler(({ input, context: { studio } }) => {
    // Refused before anything is fetched.
    if (input.device) requireDevice(input.device);
    return { job: studio.jobs.submit('hellaswag', input).id };
  }),
  evaluateAll: api.models.evaluateAll.handler(({ input, context: { studio } }) => {
    if (input.device) requireDevice(input.device);
    return evaluateAll(studio, given(input));
  }),
  import: api.models.import.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('import', input).id,
  })),
  export: api.models.export.handler(({ input, context: { studio } }) => ({
    job: studio.jobs.submit('export', input).id,
  })),
  published: api.models.published.handler(
    () => JSON.parse(fs.readFileSync(packageFile('resources/published.json'), 'utf8')) as PublishedRun[],
  ),
};
