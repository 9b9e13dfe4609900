/** All kinds of jobs, and what each is asked for and gives. */
import { exporting } from './kinds/export.ts';
import { generate } from './kinds/generate.ts';
import { hellaswag } from './kinds/hellaswag.ts';
import { importing } from './kinds/import.ts';
import { tokenize } from './kinds/tokenize.ts';
import { train } from './kinds/train.ts';
import { validation } from './kinds/validation.ts';
import { verify } from './kinds/verify.ts';
import type { JobKind } from './kind.ts';

export const jobKinds = {
  train,
  tokenize,
  verify,
  validation,
  hellaswag,
  generate,
  import: importing,
  export: exporting,
};

export type JobKindName = keyof typeof jobKinds;
export type JobInputOf<K extends JobKindName> = Parameters<(typeof jobKinds)[K]['run']>[1];

/** A kind by the name that a job is kept with; undefined where a newer program made it. */
export const jobKindOf = (name: string): JobKind<unknown, unknown> | undefined =>
  Object.hasOwn(jobKinds, name) ? (jobKinds[name as JobKindName] as JobKind<unknown, unknown>) : undefined;
