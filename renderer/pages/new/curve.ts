import { formatRate } from '../../format.ts';
import { parseAmount } from '../../ui/numbers.ts';
import { type End, endOf, isLinked } from './links.ts';
import { lengthOf, type PhaseDraft } from './phase.ts';

/** A point of the schedule that can be moved: an end of a phase. */
export interface Handle {
  readonly phase: number;
  readonly end: End;
  /** Steps from the start of the run. */
  readonly step: number;
  readonly rate: number;
}

/** Steps of a phase as it is typed; NaN where it has no length yet. */
export function stepsOf(phase: PhaseDraft, tokensPerStep: number): number {
  const { unit, size } = lengthOf(phase);
  const steps = unit === 'steps' ? size : Math.ceil(size / tokensPerStep);
  return Math.min(steps, phase.rest.endAfter ?? steps);
}

/** The points of a schedule: every end, and every start that is not the end before. None behind what makes no sense yet. */
export function handlesOf(phases: readonly PhaseDraft[], tokensPerStep: number): Handle[] {
  const handles: Handle[] = [];
  let start = 0;
  for (const [i, phase] of phases.entries()) {
    const steps = stepsOf(phase, tokensPerStep);
    const [from, to] = [parseAmount(phase.from), parseAmount(endOf(phase))];
    if (!(steps >= 1) || !(from >= 0) || !(to >= 0)) break;
    if (phase.kind !== 'constant' && !isLinked(phases, i))
      handles.push({ phase: i, end: 'from', step: start, rate: from });
    // One that ends early doesn't get to its last rate.
    if (phase.rest.endAfter === undefined) handles.push({ phase: i, end: 'to', step: start + steps, rate: to });
    start += steps;
  }
  return handles;
}

/** A learning rate as it is typed, in two digits: nobody means more by a drag. */
export const typedRate = (rate: number): string => formatRate(Math.max(0, +rate.toPrecision(2)));

/** The length of a phase as it is typed, for so many steps, in three digits of its own unit. */
export function typedLength(phase: PhaseDraft, steps: number, tokensPerStep: number): string {
  const { unit } = lengthOf(phase);
  const size = Math.max(1, steps) * (unit === 'steps' ? 1 : tokensPerStep);
  return String(Math.max(1, Math.round(+size.toPrecision(3))));
}
