import path from 'node:path';
import { readManifest } from '../data/dataset/index.ts';
import { showMix } from '../data/sampling/mix.ts';
import { schedule, settingsOf } from '../engine/run/schedule.ts';
import type { CardFacts, CardWords } from '../exchange/modelCard/card.ts';
import { modelCard } from '../exchange/modelCard/card.ts';
import { curveSvg } from '../exchange/modelCard/curve.ts';
import { evalRows } from './evals.ts';
import { datasetsDir } from './home.ts';
import { datasetsOf, noData } from './run/data.ts';
import type { Run, Store } from './store/index.ts';
import type { Studio } from './studio.ts';

const pictureName = 'curve.svg';
/** Evaluations in the card's table at most. */
const maxRows = 40;
const maxSamples = 5;

/** The model card of a checkpoint and its picture, by file name. */
export function cardFiles(
  studio: Studio,
  run: Run,
  step: number,
  dtype: string,
  words: CardWords,
): Record<string, string> {
  const facts = factsOf(studio, run, step, dtype);
  const picture = curveOf(studio.store, run, step, facts);
  const card = modelCard(facts, words, picture ? pictureName : undefined);
  return { 'README.md': card, ...(picture ? { [pictureName]: picture } : {}) };
}

function factsOf(studio: Studio, run: Run, step: number, dtype: string): CardFacts {
  const config = studio.runs.configOf(run);
  const { store } = studio;
  const events = store.events.list(run.id);
  const parent = config.init ? store.runs.list().find((r) => r.id === config.init!.run) : undefined;
  const imported = events.find((e) => e.kind === 'imported');
  return {
    name: run.name,
    model: config.model,
    tokenizer: config.tokenizer,
    dtype,
    step,
    tokensSeen: step * config.tokensPerStep,
    tokensPerStep: config.tokensPerStep,
    precision: config.precision,
    weightDecay: config.optimizer.weightDecay,
    gradClip: config.optimizer.gradClip,
    betas: [config.optimizer.beta1, config.optimizer.beta2],
    seed: config.seed,
    ...(config.init ? { base: parent?.name ?? config.init.run } : {}),
    ...(imported ? { imported: 'imported, not trained here' } : {}),
    datasets: datasetsOf(config).flatMap((name) => datasetFacts(studio.home, name)),
    phases: schedule(config)
      .filter((p) => p.start < step)
      .map(({ phase, start, steps }) => {
        const { optimizer, batch, mix } = settingsOf(config, phase);
        return { ...phase, steps: Math.min(steps, step - start), optimizer, batch, data: showMix(mix) };
      }),
    devices: [
      ...new Set(
        events.flatMap((e) =>
          e.kind === 'started' ? (/^training on (.*) from step [\d,]+$/.exec(e.message)?.[1] ?? []) : [],
        ),
      ),
    ],
    seconds: trainingSeconds(store, run.id, step),
    evaluations: thinned(evaluationsOf(store, run, step), maxRows),
    samples: latestSamples(store, run.id, step)
      .slice(0, maxSamples)
      .map(({ prompt, text }) => ({ prompt, text, temperature: config.sampling.temperature })),
  };
}

/** What the model wrote last. */
function latestSamples(store: Store, id: string, step: number) {
  const samples = store.samples.list(id).filter((s) => s.step <= step);
  return samples.filter((s) => s.step === samples.at(-1)?.step);
}

function datasetFacts(home: string, name: string): CardFacts['datasets'] {
  if (name === noData) return [];
  try {
    const { trainTokens, sources, documents = sources.length } = readManifest(path.join(datasetsDir(home), name));
    return [{ name, tokens: trainTokens, documents }];
  } catch {
    return []; // deleted since
  }
}

/** One row a step, the latest first. */
function evaluationsOf(store: Store, run: Run, step: number): CardFacts['evaluations'] {
  const rows = new Map<number, CardFacts['evaluations'][number]>();
  for (const row of evalRows(store, run)) {
    if (row.step > step || rows.has(row.step) || (!row.validation && !row.hellaswag)) continue;
    const { validation, hellaswag } = row;
    rows.set(row.step, {
      step: row.step,
      loss: validation?.loss ?? null,
      bitsPerByte: validation?.bitsPerByte ?? null,
      acc: hellaswag?.acc ?? null,
      accNorm: hellaswag?.accNorm ?? null,
      items: hellaswag?.items ?? null,
    });
  }
  return [...rows.values()];
}

/** So many at most, evenly: the first, which is the latest, and those with an accuracy stay. */
function thinned(rows: CardFacts['evaluations'], max: number): CardFacts['evaluations'] {
  const every = Math.ceil(rows.length / max);
  return rows.filter((row, i) => i % every === 0 || row.acc !== null || i === rows.length - 1);
}

/** Between a start and the rest that followed, all sessions together. */
function trainingSeconds(store: Store, id: string, step: number): number {
  const times = store.metrics.series(id, 'time', { points: 2000, toStep: step });
  const starts = store.events.list(id).filter((e) => e.kind === 'started');
  let ms = 0;
  for (const [i, { time, step: from }] of starts.entries()) {
    const next = starts[i + 1];
    const end = times.findLast((p) => p.step > (from ?? 0) && (!next || p.value <= next.time));
    if (end && end.value > time) ms += end.value - time;
  }
  return ms / 1000;
}

function curveOf(store: Store, run: Run, step: number, { evaluations, tokensPerStep }: CardFacts): string | undefined {
  const training = store.metrics
    .series(run.id, 'loss', { points: 300, toStep: step })
    .map((p) => ({ x: p.step * tokensPerStep, y: p.value }));
  const validation = evaluations
    .flatMap((e) => (e.loss === null ? [] : [{ x: e.step * tokensPerStep, y: e.loss }]))
    .reverse();
  if (training.length + validation.length === 0) return undefined;
  return curveSvg(`${run.name}: loss`, 'tokens', 'nats/token', [
    { name: 'training', points: training },
    { name: 'validation', points: validation },
  ]);
}
