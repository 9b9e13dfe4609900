import { api } from './context.ts';
import { data } from './handlers/data.ts';
import { drafts } from './handlers/drafts.ts';
import { fit } from './handlers/fit.ts';
import { jobs } from './handlers/jobs.ts';
import { models } from './handlers/models.ts';
import { runs } from './handlers/runs.ts';
import { samples } from './handlers/samples.ts';
import { studio } from './handlers/studio.ts';

/** A handler for every procedure of the contract: a missing one does not compile. */
export const router = api.router({ studio, runs, drafts, fit, data, models, samples, jobs });
