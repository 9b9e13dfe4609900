import { setImmediate } from 'node:timers/promises';
import type { JobRecord } from '../../studio/store/index.ts';
import { isLogged } from '../../base/log.ts';
import type { Studio } from '../../studio/studio.ts';
import { api, subscription } from '../context.ts';
import type { JobsUpdate, JobView } from '../types.ts';
import { changes, listUpdates } from './watch.ts';

/** How often a list of jobs is told anew while some of them work, milliseconds. */
const listMs = 500;
/** How often a job that is followed is told anew: text appears as it is written. */
const oneMs = 50;

/** Without what is long. */
const view = ({ input, output: _, ...job }: JobRecord): JobView => ({
  ...job,
  ...(job.kind === 'generate' ? {} : { input }),
  logged: job.message !== null && isLogged(job.message),
});

const watchList = (studio: Studio, signal: AbortSignal | undefined): AsyncGenerator<JobsUpdate> =>
  listUpdates(studio.ticker, signal, listMs, () => studio.jobs.list().map(view));

async function* watch(studio: Studio, id: number, signal: AbortSignal | undefined): AsyncGenerator<JobView> {
  let shown = '';
  for await (const _ of changes(studio.ticker, signal, oneMs)) {
    const job = studio.jobs.get(id);
    const now = { ...view(job), output: job.output };
    const text = JSON.stringify(now);
    if (text !== shown) yield now;
    shown = text;
    if (job.endedAt !== null) return;
  }
}

export const jobs = {
  list: api.jobs.list.handler(({ context: { studio } }) => studio.jobs.list().map(view)),
  watchList: api.jobs.watchList.handler(({ context, signal }) =>
    subscription(context, 'jobs.watchList', watchList(context.studio, signal)),
  ),
  watch: api.jobs.watch.handler(({ input, context, signal }) =>
    subscription(context, 'jobs.watch', watch(context.studio, input.id, signal)),
  ),
  log: api.jobs.log.handler(({ input, context: { studio } }) => studio.store.jobs.log(studio.jobs.get(input.id).id)),
  cancel: api.jobs.cancel.handler(({ input, context: { studio } }) => studio.jobs.cancel(input.id)),
  cancelAll: api.jobs.cancelAll.handler(async ({ input, context: { studio } }) => {
    const asked = new Set(input.ids);
    const active = studio.store.jobs.list({ state: ['queued', 'running'] }).filter(({ id }) => asked.has(id));
    // What waits comes first: else each that ends would let one of them start.
    for (const { id } of active.sort((a, b) => Number(b.state === 'queued') - Number(a.state === 'queued'))) {
      studio.jobs.cancel(id);
      await setImmediate();
    }
  }),
  retry: api.jobs.retry.handler(({ input, context: { studio } }) => ({ job: studio.jobs.retry(input.id).id })),
  move: api.jobs.move.handler(({ input, context: { studio } }) => studio.jobs.move(input.id, input.before)),
  forget: api.jobs.forget.handler(({ context: { studio } }) => {
    studio.store.jobs.forget();
  }),
};
