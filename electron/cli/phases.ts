import type { Phase, RunConfig } from '../engine/run/config.ts';
import type { PhaseLength } from '../engine/run/phaseChange.ts';
import { exampleOptimizer, type OptimizerKind, optimizerKinds } from '../engine/optimizers/index.ts';
import { lastRate, phasesLeft, schedule } from '../engine/run/schedule.ts';
import { UsageError } from '../base/errors.ts';
import { formatCount, formatRate, plural } from '../base/format.ts';
import { parseMix } from './mix.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { parseSubset } from './subset.ts';

const example = `Write kind:length:from[:to][:optimizer][:key=value …], for example cosine:1900:1e-3:1e-4 or constant:10Mtok:9e-5:${exampleOptimizer}:subset=50-80%.`;

const isOptimizer = (text: string | undefined): text is OptimizerKind => optimizerKinds.some((kind) => kind === text);

/**
 * Parses `kind:length:from[:to][:optimizer][:key=value …]`. For lengths see `parseLength`. The keys are batch, eval and checkpoint (steps between them), data, subset, mix (`A@0-50%*3+B`), wait (yes: for data that is
 * being prepared still), and end (after so many of its steps).
 * @throws UsageError that quotes the phase
 */
export function parsePhase(text: string): Phase {
  // Not at every colon: the path of data may have one.
  const [head, ...settings] = text.split(/:(?=[a-z]+=)/);
  const parts = head!.split(':');
  const optimizer = isOptimizer(parts.at(-1)) ? (parts.pop() as OptimizerKind) : undefined;
  const [kind, length, from, to] = parts;
  if (parts.length < 3 || parts.length > 4) throw new UsageError(`The phase "${text}" can't be parsed. ${example}`);
  if (kind !== 'warmup' && kind !== 'cosine' && kind !== 'constant') {
    throw new UsageError(`The phase "${text}" has kind "${kind}", not warmup, cosine or constant.`);
  }
  if (to === undefined && kind !== 'constant')
    throw new UsageError(`The phase "${text}" needs a rate at its end. ${example}`);
  const keys = settings.map((setting) => setting.slice(0, setting.indexOf('=')));
  const twice = keys.find((key, i) => keys.indexOf(key) < i);
  if (twice !== undefined) throw new UsageError(`The phase "${text}" has ${twice}= twice: leave one out.`);
  const first = parseNumber('--phase', from!);
  return {
    kind,
    ...parseLength('--phase', length!),
    from: first,
    to: to === undefined ? first : parsePhaseEnd(text, to),
    ...(optimizer ? { optimizer } : {}),
    ...Object.assign({}, ...settings.map((setting) => parseSetting(text, setting))),
  };
}

/**
 * A length in steps (`2000`, `20k`, `2Msteps`) or in tokens (`10Mtok`): the unit decides, and without one it is steps. M and B
 * need a unit: so many may be meant of either.
 * @throws UsageError that names the flag
 */
export function parseLength(flag: string, text: string): PhaseLength {
  const [, amount = '', unit = ''] = /^(.*?)\s*(steps?|tok(?:ens?)?)?$/.exec(text.trim()) ?? [];
  const size = parseNumber(flag, amount);
  if (unit === '' && /[MB]$/.test(amount))
    throw new UsageError(`${flag} has the length "${text}": is it steps or tokens? Write ${text}steps or ${text}tok.`);
  return unit.startsWith('tok') ? { tokens: size } : { steps: size };
}

function parseSetting(phase: string, setting: string): Partial<Phase> {
  const at = setting.indexOf('=');
  const [key, value] = [setting.slice(0, at), setting.slice(at + 1)];
  switch (key) {
    case 'batch':
      return { batch: parseInteger('batch=', value, 1) };
    case 'eval':
      return { evaluateEvery: parseInteger('eval=', value) };
    case 'checkpoint':
      return { checkpointEvery: parseInteger('checkpoint=', value) };
    case 'data':
      return { dataset: value };
    case 'subset':
      return { subset: parseSubset('subset=', value) };
    case 'end':
      return { endAfter: parseInteger('end=', value, 1) };
    case 'wait':
      return { wait: parseYes('wait=', value) };
    case 'mix':
      return { mix: parseMix('mix=', value) };
    default:
      throw new UsageError(
        `The phase "${phase}" has a setting ${key}, not batch, eval, checkpoint, data, subset, mix, wait or end. ${example}`,
      );
  }
}

function parseYes(flag: string, text: string): boolean {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw new UsageError(`${flag} needs yes or no, not "${text}".`);
}

function parsePhaseEnd(phase: string, text: string): number {
  if (/^[a-z]/i.test(text))
    throw new UsageError(`The phase "${phase}" has optimizer "${text}": choose from ${optimizerKinds.join(', ')}.`);
  return parseNumber('--phase', text);
}

export interface SimpleSchedule {
  readonly steps: number;
  readonly peak: number;
  readonly warmupSteps: number;
  readonly min: number;
}

/** The default schedule: a linear warm-up from zero, then half a cosine down to the lowest rate. */
export function simplePhases({ steps, peak, warmupSteps, min }: SimpleSchedule): Phase[] {
  if (warmupSteps >= steps) {
    throw new UsageError(
      `The warmup (${plural(warmupSteps, 'step')}) must be shorter than the run (${plural(steps, 'step')}).`,
    );
  }
  const warmup: Phase[] = warmupSteps > 0 ? [{ kind: 'warmup', steps: warmupSteps, from: 0, to: peak }] : [];
  return [...warmup, { kind: 'cosine', steps: steps - warmupSteps, from: peak, to: min }];
}

/** The phases of a run that are left after a step, a line each: how long each is in steps and in tokens, and its rates. */
export function describePhases(config: RunConfig, step = 0): string[] {
  return phasesLeft(schedule(config), step).map((scheduled) => {
    const { phase, index, steps, length } = scheduled;
    const { kind, from } = phase;
    const whole = steps < length ? ` of ${formatCount(length)}` : '';
    const to = lastRate(scheduled);
    const rates = kind === 'constant' ? `LR ${formatRate(from)}` : `LR ${formatRate(from)} to ${formatRate(to)}`;
    return `phase ${index + 1}: ${kind}, ${plural(steps, 'step')}${whole} (${plural(steps * config.tokensPerStep, 'token')}), ${rates}`;
  });
}
