import { z } from 'zod';
import { formatCount } from '../../base/format.ts';

/** What is counted of documents that are no bad ones. */
export const tallySchema = z.object({
  /** Documents without any text. */
  empty: z.int().min(0),
  /** Documents with numbers that JSON does not have: NaN and infinities. */
  nonFinite: z.int().min(0),
  /** Documents that a condition keeps out. */
  filtered: z.int().min(0),
  /** Values of fields that kept documents out, and how many of them, by path. */
  values: z.record(z.string(), z.record(z.string(), z.int().min(1))),
});

export type TallyCounts = z.infer<typeof tallySchema>;

/** So many values of a field are counted, and told. */
const [maxCounted, maxReported] = [100, 12];
/** A longer value is no name of anything. */
const maxLength = 80;

/** Counts what is worth reporting of documents, beside those that are bad. */
export class Tally {
  empty = 0;
  nonFinite = 0;
  #filtered = 0;
  readonly #values = new Map<string, Map<string, number>>();

  constructor(counts?: TallyCounts) {
    if (counts) this.add(counts);
  }

  /** Counts a document that a condition keeps out, for its field has these values. */
  reject(path: string, values: readonly string[]): void {
    this.#filtered++;
    for (const value of values.length > 0 ? values : ['an empty list']) this.#count(path, value, 1);
  }

  #count(path: string, value: string, times: number): void {
    let counts = this.#values.get(path);
    if (!counts) this.#values.set(path, (counts = new Map()));
    const name = value.length > maxLength ? `${value.slice(0, maxLength)}…` : value;
    const before = counts.get(name);
    if (before !== undefined || counts.size < maxCounted) counts.set(name, (before ?? 0) + times);
  }

  add({ empty, nonFinite, filtered, values }: TallyCounts): void {
    this.empty += empty;
    this.nonFinite += nonFinite;
    this.#filtered += filtered;
    for (const [path, counts] of Object.entries(values))
      for (const [value, times] of Object.entries(counts)) this.#count(path, value, times);
  }

  get counts(): TallyCounts {
    const values = Object.fromEntries([...this.#values].map(([path, counts]) => [path, Object.fromEntries(counts)]));
    return { empty: this.empty, nonFinite: this.nonFinite, filtered: this.#filtered, values };
  }

  /** What is told at the end, a sentence each. */
  get notices(): string[] {
    const reported: string[] = [];
    if (this.empty > 0) reported.push(`${documents(this.empty)} without text skipped`);
    if (this.nonFinite > 0)
      reported.push(
        `${documents(this.nonFinite)} with NaN or Infinity, which JSON does not have: taken, with null for them`,
      );
    return reported;
  }

  /** Values that fields of filtered documents have, most frequent first. */
  get found(): string {
    return [...this.#values]
      .map(([path, counts]) => {
        const all = [...counts].sort((a, b) => b[1] - a[1]);
        const more = all.length > maxReported ? ' and others' : '';
        const missing = all.length === 1 && all[0]![0] === 'undefined';
        if (missing) return `no document has a field ${path}`;
        return `${path} is ${all
          .slice(0, maxReported)
          .map(
            ([value, times]) => `${value === 'undefined' ? 'absent' : JSON.stringify(value)} (${formatCount(times)})`,
          )
          .join(', ')}${more}`;
      })
      .join('; ');
  }

  get filtered(): number {
    return this.#filtered;
  }
}

const documents = (n: number): string => `${formatCount(n)} document${n === 1 ? '' : 's'}`;
