import { type Connection, sql } from './connection.ts';
import { parseStored } from './errors.ts';

/** What came of one item of an evaluation of a step's weights. */
export interface ItemScoreRecord {
  /** Place among the task's items. */
  readonly item: number;
  readonly data: unknown;
}

/** Stores items; one that is there is replaced. @param task what is evaluated, and on which items */
export function addItemScores(
  connection: Connection,
  run: number,
  step: number,
  task: string,
  scores: readonly ItemScoreRecord[],
): void {
  connection.write(() => {
    for (const { item, data } of scores) {
      const json = { data: JSON.stringify(data) };
      connection.run(
        sql
          .insertInto('itemScores')
          .values({ run, step, task, item, ...json })
          .onConflict((c) => c.columns(['run', 'step', 'task', 'item']).doUpdateSet(json)),
      );
    }
  });
}

/** The items that are done, by their place. */
export function listItemScores(connection: Connection, run: number, step: number, task: string): ItemScoreRecord[] {
  const query = sql.selectFrom('itemScores').select(['item', 'data']).where('run', '=', run);
  return connection
    .all(query.where('step', '=', step).where('task', '=', task).orderBy('item'))
    .map(({ item, data }) => ({ item, data: parseStored(data, `The database ${connection.file}`) as unknown }));
}
