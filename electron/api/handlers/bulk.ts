import { messageOf, UserError } from '../../base/errors.ts';
import type { Studio } from '../../studio/studio.ts';
import type { Run } from '../../studio/store/index.ts';
import { maxTags } from '../contract/runs.ts';
import type { BulkAct, BulkResult } from '../types.ts';

/** A run's tags with some added and others taken away, each once. @throws UserError where it would have too many */
function withTags({ name, tags }: Run, add: readonly string[], remove: readonly string[]): string[] {
  const changed = [...new Set([...tags.filter((tag) => !remove.includes(tag)), ...add])];
  if (changed.length > maxTags) throw new UserError(`The run ${name} would have more than ${maxTags} tags.`);
  return changed;
}

function doTo(studio: Studio, run: Run, act: BulkAct): Promise<void> | void {
  switch (act.act) {
    case 'archive':
    case 'unarchive':
      return studio.runs.edit(run, { archived: act.act === 'archive' });
    case 'tag':
      return studio.runs.edit(run, { tags: withTags(run, act.add, act.remove) });
    case 'remove':
      return studio.runs.remove(run);
    case 'pause':
    case 'stop':
      return studio.training.sendOrder(run, act.act);
  }
}

/** Does one thing to each of some runs that it can be done to. Several are waited for at once where other processes answer. */
export async function bulk(studio: Studio, ids: readonly string[], act: BulkAct): Promise<BulkResult> {
  const done: string[] = [];
  const refused: BulkResult['refused'][number][] = [];
  const one = async (id: string): Promise<void> => {
    let name = id;
    try {
      // A beginning of an id, or a name, may mean another run.
      if (!studio.store.runs.has(id)) throw new UserError(`There is no run ${id}.`);
      const run = studio.store.runs.get(id);
      ({ name } = run);
      await doTo(studio, run, act);
      done.push(id);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      refused.push({ id, name, reason: messageOf(error) });
    }
  };
  const each = [...new Set(ids)];
  if (act.act === 'stop' || act.act === 'pause') await Promise.all(each.map(one));
  else for (const id of each) await one(id);
  return { done, refused };
}
