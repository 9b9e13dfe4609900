import { UserError } from '../../base/errors.ts';
import { given } from '../../studio/jobs/given.ts';
import { api } from '../context.ts';
import type { GenerationView, WrittenToken } from '../types.ts';

export const samples = {
  history: api.samples.history.handler(
    ({ input, context: { studio } }) => studio.store.generations.list(given(input)) as GenerationView[],
  ),
  tokens: api.samples.tokens.handler(({ input, context: { studio } }) => {
    const tokens = studio.store.generations.tokens(input.id);
    if (tokens === undefined) throw new UserError('This text was deleted from the history.');
    return tokens as WrittenToken[];
  }),
  forget: api.samples.forget.handler(({ input, context: { studio } }) => studio.store.generations.remove(input.ids)),
};
