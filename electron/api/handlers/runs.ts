import { setImmediate } from 'node:timers/promises';
import { beginRun } from '../../studio/run/begin.ts';
import { trainOnStories } from '../../studio/run/sample.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import { loadPreset } from '../../engine/run/presets.ts';
import type { PhaseChange } from '../../engine/run/phaseChange.ts';
import { dataRead } from '../../studio/run/dataRead.ts';
import { allValidationBytesPerToken, bitsPerByteOf } from '../../studio/evals.ts';
import { given } from '../../studio/jobs/given.ts';
import type { RunOrder } from '../../studio/run/requests.ts';
import type { Run, Store } from '../../studio/store/index.ts';
import type { Studio } from '../../studio/studio.ts';
import type { Resumed } from '../../studio/training.ts';
import { api, subscription } from '../context.ts';
import { inOnePiece } from '../serializers.ts';
import type { Points, RunDetails, RunsUpdate, RunUpdate, RunView } from '../types.ts';
import { bulk } from './bulk.ts';
import { changesFrom } from './changes.ts';
import { parseDraft } from './drafts.ts';
import { columnsOf, pointsOf, readSeries } from './series.ts';
import { phaseViews, runView } from './views.ts';
import { changes, listUpdates } from './watch.ts';

/** How long runs have trained, by their ids: it is looked up once for all lists while nothing of a run changes. */
const trained = new WeakMap<Store, Map<string, { readonly at: number; readonly ms: number | null }>>();

function trainedMsOf(store: Store, { id, updatedAt }: Run): number | null {
  const known = trained.get(store) ?? new Map();
  trained.set(store, known);
  const found = known.get(id);
  if (found?.at === updatedAt) return found.ms;
  const ms = store.metrics.trainedMs(id);
  known.set(id, { at: updatedAt, ms });
  return ms;
}

function list(studio: Studio, archived: boolean): RunView[] {
  const { store } = studio;
  const bytesPerToken = allValidationBytesPerToken(store);
  return store.runs.list({ archived }).map((run) =>
    runView(studio, run, {
      bytesPerToken: bytesPerToken.get(run.id) ?? null,
      trainedMs: trainedMsOf(store, run),
    }),
  );
}

/** Points of a curve in a list: about as many as it is wide. */
const curvePoints = 40;

async function curvesOf(store: Store, ids: readonly string[]): Promise<Record<string, Points>> {
  const curves: Record<string, Points> = {};
  for (const id of ids) {
    if (store.runs.has(id)) curves[id] = pointsOf(store.metrics.measure(id, 'loss', { points: curvePoints }).means);
    await setImmediate();
  }
  return curves;
}

const order = (studio: Studio, id: string, what: RunOrder): Promise<void> =>
  studio.training.sendOrder(studio.store.runs.get(id), what);

function detailsOf(studio: Studio, run: Run): RunUpdate['details'] & object {
  const { store } = studio;
  const config = studio.runs.configOf(run);
  return {
    config,
    phases: phaseViews(config),
    startedPhases: studio.runs.phasesBefore(run),
    checkpoints: store.checkpoints.list(run.id),
    evals: store.evals.list(run.id).map((e) => ({ ...e, bitsPerByte: bitsPerByteOf(e) })),
    samples: store.samples.list(run.id),
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
    const run = store.runs.get(id);
    const events = store.events.list(id, lastEvent);
    lastEvent = events.at(-1)?.id ?? lastEvent;
    // Where a run went back or was resumed, what was told after that step is void.
    const back = events.flatMap((e) => {
      if (e.kind === 'started') return [e.step ?? 0];
      return e.kind === 'recovery' ? [(e.data as { to: number }).to] : [];
    });
    const resetAfter = back.length > 0 && Math.min(...back) < lastStep ? Math.min(...back) : null;
    if (resetAfter !== null) lastStep = resetAfter;
    const skipped = run.step - lastStep > maxRows;
    const rows = skipped ? [] : store.metrics.read(id, { fromStep: lastStep + 1 });
    lastStep = skipped ? run.step : Math.max(lastStep, rows.at(-1)?.step ?? lastStep);
    const details = detailsOf(studio, run);
    const now = JSON.stringify(details);
    const isNew = now !== shown;
    shown = now;
    yield {
      run: runView(studio, run),
      resetAfter,
      steps: inOnePiece(rows.map((r) => r.step)),
      times: inOnePiece(rows.map((r) => r.time ?? Number.NaN)),
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
    const run = studio.store.runs.get(input.id);
    return dataRead(studio.home, studio.runs.configOf(run), run.step, studio.store.evals.list(run.id));
  }),
  list: api.runs.list.handler(({ input, context }) => list(context.studio, input.archived)),
  watchList: api.runs.watchList.handler(({ input, context, signal }) =>
    subscription(context, 'runs.watchList', watchList(context.studio, input.archived, signal)),
  ),

  get: api.runs.get.handler(({ input, context: { studio } }) => {
    const run = studio.store.runs.get(input.id);
    const events = studio.store.events.list(run.id);
    return { run: runView(studio, run), changes: changesOf(run), events, ...detailsOf(studio, run) };
  }),
  watch: api.runs.watch.handler(({ input, context: { studio }, signal }) => {
    const { id } = studio.store.runs.get(input.id);
    return subscription(
      { studio },
      'runs.watch',
      watch(studio, id, { step: input.afterStep, event: input.afterEvent }, signal),
    );
  }),
  series: api.runs.series.handler(({ input, context: { studio } }) => {
    const run = studio.store.runs.get(input.id);
    return readSeries(studio.store, run.id, (run.config as RunConfig).tokensPerStep, input);
  }),

  curves: api.runs.curves.handler(({ input, context: { studio } }) => curvesOf(studio.store, input.ids)),

  create: api.runs.create.handler(({ input: { config, name, preset, start, requestKey }, context: { studio } }) =>
    beginRun(studio, { config: parseDraft(studio, config), name, preset }, { start, requestKey }),
  ),
  createAfter: api.runs.createAfter.handler(({ input: { job, train }, context: { studio } }) => {
    const then = train && { ...train, config: parseDraft(studio, train.config) };
    return studio.jobs.amend(job, 'tokenize', ({ train: _, ...input }) => ({
      ...input,
      ...(then ? { train: then } : {}),
    }));
  }),
  trainOnStories: api.runs.trainOnStories.handler(({ context: { studio } }) => trainOnStories(studio)),
  enqueue: api.runs.enqueue.handler(({ input: { id, ...others }, context: { studio } }) =>
    studio.runs.enqueue(studio.store.runs.get(id), given(others)),
  ),
  pause: api.runs.pause.handler(({ input, context }) => order(context.studio, input.id, 'pause')),
  stop: api.runs.stop.handler(({ input, context }) => order(context.studio, input.id, 'stop')),
  resume: api.runs.resume.handler(async ({ input, context: { studio } }) => {
    return resumedView(await studio.training.resume(studio.store.runs.get(input.id), input.device, input.lowBitStates));
  }),
  request: api.runs.request.handler(({ input, context }) => order(context.studio, input.id, input.what)),
  changePhases: api.runs.changePhases.handler(async ({ input, context: { studio } }) => {
    await studio.training.changePhases(studio.store.runs.get(input.id), changeOf(input));
  }),
  finish: api.runs.finish.handler(async ({ input, context: { studio } }) =>
    resumedView(await studio.training.finish(studio.store.runs.get(input.id), input.device)),
  ),
  continue: api.runs.continue.handler(async ({ input, context: { studio } }) => {
    const resumed = await studio.training.continue(studio.store.runs.get(input.id), changeOf(input), input.device);
    return resumed && resumedView(resumed);
  }),

  edit: api.runs.edit.handler(({ input: { id, ...changed }, context: { studio } }) => {
    const given = Object.entries(changed).filter(([, value]) => value !== undefined);
    studio.runs.edit(studio.store.runs.get(id), Object.fromEntries(given));
  }),
  bulk: api.runs.bulk.handler(({ input: { ids, ...act }, context: { studio } }) => bulk(studio, ids, act)),
  remove: api.runs.remove.handler(({ input, context: { studio } }) =>
    studio.runs.remove(studio.store.runs.get(input.id)),
  ),
  removeCheckpoint: api.runs.removeCheckpoint.handler(({ input, context: { studio } }) =>
    studio.checkpoints.remove(studio.store.runs.get(input.id), input.step),
  ),
  showCheckpoint: api.runs.showCheckpoint.handler(({ input, context: { studio, desktop } }) =>
    desktop?.showFile(studio.checkpoints.of(studio.store.runs.get(input.id), input.step).path),
  ),
  keepCheckpoint: api.runs.keepCheckpoint.handler(({ input, context: { studio } }) =>
    studio.checkpoints.keep(studio.store.runs.get(input.id), input.step, input.kept),
  ),
};
