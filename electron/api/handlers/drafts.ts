import { getTokenizer, tokenizerNameSchema } from '../../data/tokenizers/index.ts';
import { checkRunConfig, parseRunConfig, type RunConfig } from '../../engine/run/config.ts';
import { completeDevice, defaultDevice, requireDevice } from '../../engine/devices/choose.ts';
import { findGpu } from '../../engine/fit/gpus.ts';
import { parameterCount } from '../../engine/models/index.ts';
import { loadPreset, precisionOn, presetNames } from '../../engine/run/presets.ts';
import { settings } from '../../engine/run/settings.ts';
import { dataTitle, learningRateAt, schedule, totalSteps } from '../../engine/run/schedule.ts';
import { messageOf, UserError } from '../../base/errors.ts';
import { requireData, notValidated } from '../../studio/run/data.ts';
import { requireParent } from '../../studio/run/initial.ts';
import type { Studio } from '../../studio/studio.ts';
import { api } from '../context.ts';
import type { ConfigProblem, DraftReport, Points, TimeReport } from '../types.ts';
import { type Budget, budgetOf } from './budget.ts';
import { phaseViews } from './views.ts';

type Tree = Readonly<Record<string, unknown>>;

/** A draft leaves out what follows from its tokenizer, and from this machine. */
function withVocabulary(studio: Studio, draft: Tree): Tree {
  const device = completeDevice(draft.device as Tree | undefined);
  const vocabSize = rowsOf(studio, draft);
  if (vocabSize === undefined) return { ...draft, device };
  return { ...draft, device, model: { ...(draft.model as Tree | undefined), vocabSize } };
}

/** Of the vocabulary: those of the model that it begins with, which may be padded, or the tokenizer's. */
function rowsOf(studio: Studio, { tokenizer, init }: Tree): number | undefined {
  const parent = (init as { run?: unknown } | undefined)?.run;
  const run = typeof parent === 'string' ? studio.store.runs.list().find((r) => r.id === parent) : undefined;
  if (run) return (run.config as RunConfig).model.vocabSize;
  const name = tokenizerNameSchema.safeParse(tokenizer).data;
  try {
    return name && getTokenizer(name).vocabSize;
  } catch (error) {
    if (error instanceof UserError) return undefined; // it is not here
    throw error;
  }
}

/** @throws UsageError that names the setting and what is wrong with it */
export const parseDraft = (studio: Studio, draft: Tree): RunConfig => parseRunConfig(withVocabulary(studio, draft));

/** Points of the learning rate: enough to draw it, the ends of every phase among them. */
function ratesOf(config: RunConfig): Points {
  const phases = schedule(config);
  const steps = phases.flatMap(({ start, steps: n }) => {
    const parts = Math.min(60, Math.max(1, n - 1));
    return Array.from({ length: parts + 1 }, (_, i) => start + Math.round((i * (n - 1)) / parts));
  });
  const once = [...new Set(steps)];
  return { steps: once, values: once.map((step) => learningRateAt(phases, step)) };
}

interface Asked {
  readonly config: Tree;
  readonly budget: Budget;
  readonly step: number;
}

async function check(
  studio: Studio,
  { config: draft, budget, step }: Asked,
  signal: AbortSignal | undefined,
): Promise<DraftReport> {
  const checked = checkRunConfig(withVocabulary(studio, draft));
  const nothing = {
    config: null,
    phases: [],
    rates: { steps: [], values: [] },
    stepsTotal: 0,
    tokensTotal: 0,
    plan: null,
    data: '',
    notes: [],
  };
  if ('problems' in checked) return { ...nothing, problems: checked.problems };
  const { config } = checked;
  const problems: ConfigProblem[] = [];
  const attempt = <T>(path: string, work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      problems.push({ path, message: messageOf(error) });
      return undefined;
    }
  };
  attempt('dataset', () => requireData(studio.home, config, step));
  attempt('init', () => {
    if (config.init) requireParent(config, studio.runs.configOf(studio.store.runs.get(config.init.run)));
  });
  const isHere = attempt('device.kind', () => (requireDevice(config.device), true)) ?? false;
  // Of a GPU that is not here nothing is known to hold the plan against.
  const against = isHere || budget.kind !== 'machine' ? budgetOf(budget, studio.home, config.device) : null;
  const { problem, plan } = await studio.planner.ask('draft', { config, step, isHere, budget: against }, signal);
  if (problem !== null) problems.push({ path: 'device.kind', message: problem });
  const stepsTotal = totalSteps(schedule(config));
  return {
    problems,
    config,
    phases: phaseViews(config),
    rates: ratesOf(config),
    stepsTotal,
    tokensTotal: stepsTotal * config.tokensPerStep,
    plan,
    data: dataTitle(config),
    notes: notValidated(studio.home, config),
  };
}

async function timeOf(
  studio: Studio,
  { config: draft, budget }: Omit<Asked, 'step'>,
  signal: AbortSignal | undefined,
): Promise<TimeReport | null> {
  const checked = checkRunConfig(withVocabulary(studio, draft));
  if ('problems' in checked) return null;
  const gpu = budget.kind === 'gpu' ? findGpu(budget.id) : undefined;
  return studio.time.estimate(checked.config, gpu, signal);
}

export const drafts = {
  presets: api.drafts.presets.handler(() =>
    presetNames().map((name) => {
      const preset = loadPreset(name);
      const { title, tokensFrom, sources } = preset;
      const config = { ...preset.config, precision: precisionOn(preset, defaultDevice().kind) };
      const { tokenizer } = preset.config as { tokenizer?: 'gpt2' | 'bytes' };
      const { vocabSize } = getTokenizer(tokenizer ?? 'gpt2');
      const model = { vocabSize, ...(preset.config.model as Tree) } as RunConfig['model'];
      return { name, title, tokensFrom, sources, config, parameters: parameterCount(model) };
    }),
  ),
  settings: api.drafts.settings.handler(() => settings),
  time: api.drafts.time.handler(({ input, context, signal }) => timeOf(context.studio, input, signal)),
  measure: api.drafts.measure.handler(async ({ input, context: { studio }, signal }) => {
    const checked = checkRunConfig(withVocabulary(studio, input.config));
    if ('problems' in checked) return null;
    await studio.time.measure(checked.config, signal);
    return timeOf(studio, input, signal);
  }),
  check: api.drafts.check.handler(({ input, context, signal }) => check(context.studio, input, signal)),
};
