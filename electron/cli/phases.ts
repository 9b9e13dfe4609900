import type { Phase } from '../engine/config.ts';
import { type OptimizerKind, optimizerKinds } from '../engine/optimizers/index.ts';
import { UsageError } from '../errors.ts';
import { parseNumber } from './numbers.ts';

const example =
  'Write kind:length:from[:to][:optimizer], for example cosine:1900:1e-3:1e-4 or constant:10Mtok:9e-5:adamw8bit.';

const isOptimizer = (text: string | undefined): text is OptimizerKind => optimizerKinds.some((kind) => kind === text);

/**
 * Parses `kind:length:from[:to][:optimizer]`. A length is in steps, or in tokens with the suffix `tok`, M or B.
 * @throws UsageError that quotes the phase
 */
export function parsePhase(text: string): Phase {
  const parts = text.split(':');
  const optimizer = isOptimizer(parts.at(-1)) ? (parts.pop() as OptimizerKind) : undefined;
  const [kind, length, from, to] = parts;
  if (parts.length < 3 || parts.length > 4) throw new UsageError(`The phase "${text}" is not understood. ${example}`);
  if (kind !== 'warmup' && kind !== 'cosine' && kind !== 'constant') {
    throw new UsageError(`The phase "${text}" has kind "${kind}", not warmup, cosine or constant.`);
  }
  if (to === undefined && kind !== 'constant')
    throw new UsageError(`The phase "${text}" needs a rate at its end. ${example}`);
  const inTokens = /(tok|[MB])$/.test(length!);
  const size = parseNumber('--phase', length!.replace(/tok$/, ''));
  const first = parseNumber('--phase', from!);
  return {
    kind,
    ...(inTokens ? { tokens: size } : { steps: size }),
    from: first,
    to: to === undefined ? first : parsePhaseEnd(text, to),
    ...(optimizer ? { optimizer } : {}),
  };
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
  readonly least: number;
}

/** The usual schedule: linear warm-up from near zero, then half a cosine down to the lowest rate. */
export function simplePhases({ steps, peak, warmupSteps, least }: SimpleSchedule): Phase[] {
  if (warmupSteps >= steps) {
    throw new UsageError(`The warm-up (${warmupSteps} steps) must be shorter than the run (${steps} steps).`);
  }
  const warmup: Phase[] =
    warmupSteps > 0 ? [{ kind: 'warmup', steps: warmupSteps, from: peak / warmupSteps, to: peak }] : [];
  return [...warmup, { kind: 'cosine', steps: steps - warmupSteps, from: peak, to: least }];
}
