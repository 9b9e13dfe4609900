/** Asks for rows by their key, which is a whole number. Iterating may throw anywhere: a page of the file is damaged. */
export interface KeyedRows<Row> {
  /** Rows whose key is from..to, both included. */
  select(from: number, to: number, order: 'ASC' | 'DESC'): Iterable<Row>;
  keyOf(row: Row): number;
}

/** Keys that a damaged page holds at least: a smaller gap is not searched for rows. */
const smallestGap = 8;
/** Searches that may fail before what is left counts as lost. */
const maxFailures = 20_000;

/**
 * All rows that can be read of a table some of whose pages are damaged: from the first on and from the last back, and where both
 * stop, in ever smaller parts of what lies between. A row may come twice.
 * @param take called with each row
 * @param isDamage whether an error says that a page is damaged; others are thrown on
 * @returns whether nothing was lost
 */
export function readAround<Row>(
  { select, keyOf }: KeyedRows<Row>,
  from: number,
  to: number,
  take: (row: Row) => void,
  isDamage: (error: unknown) => boolean,
): boolean {
  /** @returns the key of the last row that could be read; null where all were */
  const read = (first: number, last: number, order: 'ASC' | 'DESC'): number | null | undefined => {
    let at: number | undefined;
    try {
      for (const row of select(first, last, order)) {
        at = keyOf(row);
        take(row);
      }
      return null;
    } catch (error) {
      if (!isDamage(error)) throw error;
      return at;
    }
  };
  let whole = true;
  let failures = 0;
  // The widest gaps first: what is left over when the search is given up is spread evenly.
  const gaps: [number, number][] = [[from, to]];
  for (let gap = gaps.shift(); gap; gap = gaps.shift()) {
    let [first, last] = gap;
    const up = read(first, last, 'ASC');
    if (up === null) continue;
    whole = false;
    // Of the key that was read last there may be other rows, behind the damage.
    const down = read(up ?? first, last, 'DESC');
    if (down === null) continue;
    if (up !== undefined) first = up + 1;
    if (down !== undefined) last = down - 1;
    if (last - first < smallestGap || ++failures > maxFailures) continue;
    const middle = Math.floor((first + last) / 2);
    gaps.push([first, middle], [middle + 1, last]);
  }
  return whole;
}
