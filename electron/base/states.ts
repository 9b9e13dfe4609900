/** What people read for the states of a run, where the stored name is another word. It imports nothing: the page has it, too. */
const shown: Readonly<Record<string, string>> = { interrupted: 'crashed' };

/** A state of a run for people. @param state as it is stored */
export const shownState = (state: string): string => shown[state] ?? state;
