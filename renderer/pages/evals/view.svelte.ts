import { router } from '../../state/router.svelte.ts';
import { type EvalColumn, evalColumns, startsDown } from './rows.ts';

const isColumn = (name: string): name is EvalColumn => (evalColumns as readonly string[]).includes(name);

/** How the table of evaluations is looked at: it stands in the address, so that a link, a reload and the way back show the same. */
class EvalsView {
  get query(): string {
    return router.query.get('q') ?? '';
  }
  set query(words: string) {
    this.#set('q', words);
  }

  /** Only checkpoints that are pinned. */
  get pinned(): boolean {
    return router.query.get('pinned') === 'yes';
  }
  set pinned(pinned: boolean) {
    this.#set('pinned', pinned ? 'yes' : '');
  }

  /** Undefined: run by run, as they were created. */
  readonly sort = $derived.by((): { column: EvalColumn; down: boolean } | undefined => {
    const said = router.query.get('sort') ?? '';
    const column = said.replace(/^-/, '');
    return isColumn(column) ? { column, down: said.startsWith('-') } : undefined;
  });

  /** Sorts by a column, or the other way round where it is sorted by it. */
  sortBy(column: EvalColumn): void {
    const down = this.sort?.column === column ? !this.sort.down : startsDown(column);
    this.#set('sort', `${down ? '-' : ''}${column}`);
  }

  #set(name: string, value: string): void {
    router.look((query) => (value === '' ? query.delete(name) : query.set(name, value)));
  }
}

export const evalsView = new EvalsView();
