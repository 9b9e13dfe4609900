import { parseAmount } from '../../ui/numbers.ts';
import type { PhaseDraft } from './phase.ts';

export type End = 'from' | 'to';

/** The learning rate that a phase ends with, as it is typed. */
export const endOf = ({ kind, from, to }: PhaseDraft): string => (kind === 'constant' ? from : to);

/** Whether a phase begins with the learning rate that the one before ends with: they are changed together. */
export function isLinked(phases: readonly PhaseDraft[], index: number): boolean {
  const [before, phase] = [phases[index - 1], phases[index]];
  if (!before || !phase || phase.unlinked) return false;
  return endOf(before).trim() === phase.from.trim() || parseAmount(endOf(before)) === parseAmount(phase.from);
}

/** Types a learning rate at one end of a phase, and at the ends of its neighbors that are linked to it. */
export function setRate(phases: readonly PhaseDraft[], index: number, end: End, typed: string): void {
  const links = phases.map((_, i) => isLinked(phases, i));
  const done = new Set<string>();
  const put = (i: number, which: End): void => {
    const phase = phases[i];
    const isConstant = phase?.kind === 'constant';
    const key = `${i} ${isConstant ? '' : which}`;
    if (!phase || done.has(key)) return;
    done.add(key);
    if (isConstant) phase.from = phase.to = typed;
    else phase[which] = typed;
    if ((which === 'from' || isConstant) && links[i]) put(i - 1, 'to');
    if ((which === 'to' || isConstant) && links[i + 1]) put(i + 1, 'from');
  };
  put(index, end);
}

/** Links a phase to the one before, or lets it have a learning rate of its own. */
export function link(phases: readonly PhaseDraft[], index: number, linked: boolean): void {
  const phase = phases[index]!;
  phase.unlinked = !linked;
  if (linked) setRate(phases, index, 'from', endOf(phases[index - 1]!));
}
