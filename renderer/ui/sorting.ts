/** Lists that are searched and sorted. */

/** What an entry is sorted by: null is not known, and stands last. Of several parts the first that differs counts. */
export type Key = readonly (string | number | null)[];

/** A number as a key has it. */
export const known = (x: number | null | undefined): number | null =>
  x === null || x === undefined || Number.isNaN(x) ? null : x;

/** Entries in the order of their keys. What is equal stays in the order that it has. */
export function sortedBy<T>(entries: readonly T[], keyOf: (entry: T) => Key, down: boolean): T[] {
  const keyed = entries.map((entry) => ({ entry, key: keyOf(entry) }));
  const compared = (a: Key, b: Key): number => {
    for (const [i, x] of a.entries()) {
      const y = b[i]!;
      if (x === y) continue;
      if (x === null) return 1;
      if (y === null) return -1;
      return x! < y ? (down ? 1 : -1) : down ? -1 : 1;
    }
    return 0;
  };
  return keyed.sort((a, b) => compared(a.key, b.key)).map(({ entry }) => entry);
}

/** Entries whose text holds each of some words. */
export function withWords<T>(entries: readonly T[], query: string, textOf: (entry: T) => string): T[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...entries];
  return entries.filter((entry) => {
    const text = textOf(entry).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
