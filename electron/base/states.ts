import { formatCount } from './format.ts';

/** What people read for the states of a run, where the stored name is another word. The page has it, too. */
const shown: Readonly<Record<string, string>> = { interrupted: 'crashed' };

/** A state of a run for people. @param state as it is stored */
export const shownState = (state: string): string => shown[state] ?? state;

/** Why a run that its user has stopped is complete. @param steps that its phases have in all */
export const earlyMessage = (step: number, steps: number): string =>
  `stopped early at step ${formatCount(step)} of ${formatCount(steps)}`;

/** The state of a run in a list: one that was stopped early is not to be taken for one that has trained all of its steps. */
export const listedState = ({
  state,
  stoppedEarly,
}: {
  readonly state: string;
  readonly stoppedEarly: boolean;
}): string => (stoppedEarly ? 'stopped early' : shownState(state));
