import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';
import type { RunSerials } from './serials.ts';

/** What came of one item of an evaluation of a step's weights. */
export interface ItemScoreRecord {
  /** Place among the task's items. */
  readonly item: number;
  readonly data: unknown;
}

/** What came of the single items of evaluations, so that one that was cut off goes on where it was. */
export class ItemScoreTable {
  readonly #connection: Connection;
  readonly #serials: RunSerials;

  constructor(connection: Connection, serials: RunSerials) {
    this.#connection = connection;
    this.#serials = serials;
  }

  /** Stores items; one that is there is replaced. @param task what is evaluated, and on which items */
  add(id: string, step: number, task: string, scores: readonly ItemScoreRecord[]): void {
    const run = this.#serials.of(id);
    this.#connection.write(() => {
      for (const { item, data } of scores) {
        const json = { data: JSON.stringify(data) };
        this.#connection.run(
          sql
            .insertInto('itemScores')
            .values({ run, step, task, item, ...json })
            .onConflict((c) => c.columns(['run', 'step', 'task', 'item']).doUpdateSet(json)),
        );
      }
    });
  }

  /** The items that are done, by their place. */
  list(id: string, step: number, task: string): ItemScoreRecord[] {
    const query = sql.selectFrom('itemScores').select(['item', 'data']).where('run', '=', this.#serials.of(id));
    return this.#connection
      .all(query.where('step', '=', step).where('task', '=', task).orderBy('item'))
      .map(({ item, data }) => ({ item, data: parseStored(data, `The database ${this.#connection.file}`) }));
  }

  /** Deletes those of later steps. */
  truncateAfter(id: string, step: number): void {
    this.#connection.run(sql.deleteFrom('itemScores').where('run', '=', this.#serials.of(id)).where('step', '>', step));
  }
}
