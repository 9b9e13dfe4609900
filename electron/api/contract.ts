/** Everything that a window may ask of the studio: the only door into it. Handlers are checked against it when compiled. */
import { data } from './contract/data.ts';
import { drafts } from './contract/drafts.ts';
import { fit } from './contract/fit.ts';
import { jobs } from './contract/jobs.ts';
import { models } from './contract/models.ts';
import { runs } from './contract/runs.ts';
import { samples } from './contract/samples.ts';
import { studio } from './contract/studio.ts';

export const contract = { studio, runs, drafts, fit, data, models, samples, jobs };

export type Contract = typeof contract;
