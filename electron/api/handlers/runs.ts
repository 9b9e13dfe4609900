import { recordPromise } from '../../studio/time/promise.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { loadPreset } from '../../engine/run/presets.ts';
import type { PhaseChange } from '../../engine/run/phaseChange.ts';
import { validationFile } from '../../evals/hellaswag/source.ts';
import { dataRead } from '../../studio/run/dataRead.ts';
import { allValidationBytesPerToken, bitsPerByteOf } from '../../studio/evals.ts';
import { given } from '../../studio/jobs/given.ts';
import { trainingOn } from '../../studio/jobs/slots.ts';
import type { RunOrder } from '../../studio/run/requests.ts';
import type { Run } from '../../studio/store/index.ts';
import type { Resumed, Studio } from '../../studio/studio.ts';
import { api, subscription } from '../context.ts';
import type { RunDetails, RunsUpdate, RunUpdate, RunView } from '../types.ts';
import { changesFrom } from './changes.ts';
import { parseDraft } from './drafts.ts';
import { columnsOf, readSeries } from './series.ts';
import { phaseViews, runView } from './views.ts';
import { changes, listUpdates } from './watch.ts';

function list(studio: Studio, archived: boolean): RunView[] {
  const bytesPerToken = allValidationBytesPerToken(studio.store);
  return studio.store.listRuns({ archived }).map((run) => runView(studio, run, bytesPerToken.get(run.id) ?? null));
}

const order = (studio: Studio, id: string, what: RunOrder): Promise<void> =>
  studio.sendOrder(studio.store.getRun(id), what);

function detailsOf(studio: Studio, run: Run): RunUpdate['details'] & object {
  const { store } = studio;
  const config = studio.configOf(run);
  return {
    config,
    phases: phaseViews(config),
    startedPhases: studio.startedPhases(run),
    checkpoints: store.listCheckpoints(run.id),
    evals: store.listEvals(run.id).map((e) => ({ ...e, bitsPerByte: bitsPerByteOf(e) })),
    samples: store.listSamples(run.id),
  };
}

function changesOf(run: Run): RunDetails['changes'] {
  if (run.preset === null) return [];
  try {
    return changesFrom(loadPreset(run.preset).config, run.config as Record<string, unknown>);
  } catch {
    return []; // a preset that is there no more
  }
}

/** How often the list of runs is told anew while some of them train: every window follows it, all of it. */
const listMs = 500;

/** The same of one run. */
const runMs = 250;

/** Rows that are sent one by one; a listener that is further behind reads the measures anew. */
const maxRows = 2000;

async function* watch(
  studio: Studio,
  id: string,
  after: { step: number; event: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<RunUpdate> {
  const { store } = studio;
  let { step: lastStep, event: lastEvent } = after;
  let shown = '';
  for await (const _ of changes(studio.ticker, signal, runMs)) {
    const run = store.getRun(id);
    const events = store.listEvents(id, lastEvent);
    lastEvent = events.at(-1)?.id ?? lastEvent;
    // Where a run went back or was resumed, what was told after that step is void.
    const back = events.flatMap((e) => {
      if (e.kind === 'started') return [e.step ?? 0];
      return e.kind === 'recovery' ? [(e.data as { to: number }).to] : [];
    });
    const resetAfter = back.length > 0 && Math.min(...back) < lastStep ? Math.min(...back) : null;
    if (resetAfter !== null) lastStep = resetAfter;
    const skipped = run.step - lastStep > maxRows;
    const rows = skipped ? [] : store.readMetrics(id, { fromStep: lastStep + 1 });
    lastStep = skipped ? run.step : Math.max(lastStep, rows.at(-1)?.step ?? lastStep);
    const details = detailsOf(studio, run);
    const now = JSON.stringify(details);
    const isNew = now !== shown;
    shown = now;
    yield {
      run: runView(studio, run),
      resetAfter,
      steps: rows.map((r) => r.step),
      times: rows.map((r) => r.time ?? Number.NaN),
      measures: columnsOf(rows),
      skipped,
      events,
      details: isNew ? details : null,
    };
  }
}

const watchList = (studio: Studio, archived: boolean, signal: AbortSignal | undefined): AsyncGenerator<RunsUpdate> =>
  listUpdates(studio.ticker, signal, listMs, () => list(studio, archived));

type AskedChange = Pick<PhaseChange, 'started' | 'later'> & { readonly current?: PhaseChange['current'] | undefined };

const resumedView = ({ step, refused, notice }: Resumed) => ({ step, refused: refused.map((r) => r.reason), notice });

const changeOf = ({ started, later, current }: AskedChange): PhaseChange => ({
  ...{ started, later, add: [] },
  ...(current ? { current } : {}),
});

export const runs = {
  data: api.runs.data.handler(({ input, context: { studio } }) => {
    const run = studio.store.getRun(input.id);
    return dataRead(studio.home, studio.configOf(run), run.step);
  }),
  list: api.runs.list.handler(({ input, context }) => list(context.studio, input.archived)),
  watchList: api.runs.watchList.handler(({ input, context, signal }) =>
    subscription(context, 'runs.watchList', watchList(context.studio, input.archived, signal)),
  ),

  get: api.runs.get.handler(({ input, context: { studio } }) => {
    const run = studio.store.getRun(input.id);
    const events = studio.store.listEvents(run.id);
    return { run: runView(studio, run), changes: changesOf(run), events, ...detailsOf(studio, run) };
  }),
  watch: api.runs.watch.handler(({ input, context: { studio }, signal }) => {
    const { id } = studio.store.getRun(input.id);
    return subscription(
      { studio },
      'runs.watch',
      watch(studio, id, { step: input.afterStep, event: input.afterEvent }, signal),
    );
  }),
  series: api.runs.series.handler(({ input, context: { studio } }) => {
    const run = studio.store.getRun(input.id);
    return readSeries(studio.store, run.id, (run.config as RunConfig).tokensPerStep, input);
  }),

  create: api.runs.create.handler(async ({ input, context: { studio } }) => {
    const config = parseDraft(studio, input.config);
    if (config.evaluation.hellaswagEvery > 0) await validationFile(studio.home);
    const start = input.start ?? (trainingOn(studio.store, config.device).length > 0 ? 'queue' : 'now');
    if (start === 'queue') return { id: studio.queueRun(config, input.name, input.preset).id, queued: true };
    const run = await studio.createRunApart(config, input.name, input.preset);
    const { here } = await studio.time(config);
    studio.start(run);
    if (here) recordPromise(studio.store, run.id, here);
    return { id: run.id, queued: false };
  }),
  enqueue: api.runs.enqueue.handler(({ input: { id, ...others }, context: { studio } }) =>
    studio.enqueue(studio.store.getRun(id), given(others)),
  ),
  pause: api.runs.pause.handler(({ input, context }) => order(context.studio, input.id, 'pause')),
  stop: api.runs.stop.handler(({ input, context }) => order(context.studio, input.id, 'stop')),
  resume: api.runs.resume.handler(async ({ input, context: { studio } }) => {
    return resumedView(await studio.resume(studio.store.getRun(input.id), input.device, input.lowBitStates));
  }),
  request: api.runs.request.handler(({ input, context }) => order(context.studio, input.id, input.what)),
  changePhases: api.runs.changePhases.handler(async ({ input, context: { studio } }) => {
    await studio.changePhases(studio.store.getRun(input.id), changeOf(input));
  }),
  continue: api.runs.continue.handler(async ({ input, context: { studio } }) => {
    const resumed = await studio.continue(studio.store.getRun(input.id), changeOf(input), input.device);
    return resumed && resumedView(resumed);
  }),

  edit: api.runs.edit.handler(({ input: { id, ...changed }, context: { studio } }) => {
    const given = Object.entries(changed).filter(([, value]) => value !== undefined);
    studio.editRun(studio.store.getRun(id), Object.fromEntries(given));
  }),
  remove: api.runs.remove.handler(({ input, context: { studio } }) => studio.removeRun(studio.store.getRun(input.id))),
  removeCheckpoint: api.runs.removeCheckpoint.handler(({ input, context: { studio } }) =>
    studio.removeCheckpoint(studio.store.getRun(input.id), input.step),
  ),
  showCheckpoint: api.runs.showCheckpoint.handler(({ input, context: { studio, desktop } }) =>
    desktop?.showFile(studio.checkpointOf(studio.store.getRun(input.id), input.step).path),
  ),
  keepCheckpoint: api.runs.keepCheckpoint.handler(({ input, context: { studio } }) =>
    studio.keepCheckpoint(studio.store.getRun(input.id), input.step, input.kept),
  ),
};
