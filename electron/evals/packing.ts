/** A text and what may follow it: which of them a model finds likelier is asked. */
export interface Question {
  readonly context: readonly number[];
  /** Tokens of each choice, after the context. */
  readonly choices: readonly (readonly number[])[];
}

/** Choices that share what comes before them, as they are packed: the prompt once, then each choice but its last token. */
export interface Group {
  readonly question: number;
  /** At least one token. */
  readonly prompt: readonly number[];
  readonly choices: readonly { readonly choice: number; readonly tokens: readonly number[] }[];
}

/**
 * Room that a group takes: for what the model reads, which nothing need follow, so not the last token of a choice, and for
 * what is scored, which are all tokens of all choices. Behind a long prompt the former is more.
 */
export function rowsOf({ prompt, choices }: Pick<Group, 'prompt' | 'choices'>): number {
  const scored = choices.reduce((n, { tokens }) => n + tokens.length, 0);
  return Math.max(prompt.length + scored - choices.length, scored);
}

/**
 * A question's groups: one, but where a choice is too long for its whole context, which is then cut on the left for it
 * alone, or where the choices have no room together.
 * @param context most tokens that the model reads at a time
 * @param rows most tokens that there is room for
 */
export function groupsOf(
  index: number,
  { context: prompt, choices }: Question,
  context: number,
  rows: number,
): Group[] {
  const max = Math.min(context, rows);
  const groups: Group[] = [];
  let shared: { choice: number; tokens: readonly number[] }[] = [];
  const close = (): void => {
    if (shared.length > 0) groups.push({ question: index, prompt, choices: shared });
    shared = [];
  };
  for (const [choice, tokens] of choices.entries()) {
    const whole = [...prompt, ...tokens];
    if (tokens.length === 0) continue; // nothing to score
    if (whole.length - 1 > max) {
      const kept = whole.slice(-(max + 1));
      const before = Math.max(1, kept.length - tokens.length);
      groups.push({
        question: index,
        prompt: kept.slice(0, before),
        choices: [{ choice, tokens: kept.slice(before) }],
      });
      continue;
    }
    if (rowsOf({ prompt, choices: [...shared, { choice, tokens }] }) > rows) close();
    shared.push({ choice, tokens });
  }
  close();
  return groups;
}

/** Groups into as few bins as first-fit decreasing finds; the longest come first. @param rows room in a bin */
export function pack(groups: readonly Group[], rows: number): Group[][] {
  const bins: { left: number; groups: Group[] }[] = [];
  const sized = groups.map((group, i) => ({ group, i, size: rowsOf(group) }));
  sized.sort((a, b) => b.size - a.size || a.i - b.i);
  // Bins that are full can't take any of what comes, which has one token at least.
  let firstOpen = 0;
  for (const { group, size } of sized) {
    while (firstOpen < bins.length && bins[firstOpen]!.left === 0) firstOpen++;
    let bin = bins.slice(firstOpen).find((b) => b.left >= size);
    if (!bin) bins.push((bin = { left: rows, groups: [] }));
    bin.groups.push(group);
    bin.left -= size;
  }
  return bins.map((b) => b.groups);
}
