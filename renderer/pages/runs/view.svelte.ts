import { innerWidth } from 'svelte/reactivity/window';
import { router } from '../../state/router.svelte.ts';
import { type ColumnName, columnNames, defaultColumnsIn, type SortColumn, startsDown } from './columns.ts';

const keptColumns = 'runs.columns';

const isColumn = (name: string): name is ColumnName => (columnNames as readonly string[]).includes(name);

/** Columns as an address or the browser's memory names them; undefined where it names none. */
const columnsOf = (said: string | null): readonly ColumnName[] | undefined => {
  if (said === null) return undefined;
  const named = said.split(',');
  return columnNames.filter((name) => named.includes(name));
};

/** What a window leaves to a table, in rem: the navigation is beside it, and a scroll bar may be. */
function room(): number {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  return (innerWidth.current ?? window.innerWidth) / rem - 16.3;
}

/**
 * How the list of runs is looked at: which runs, in which order, with which columns. It stands in the address, so that a link, a
 * reload and the way back show the same; an address that names no columns shows those that were chosen last.
 */
class RunsView {
  #kept = $state(localStorage.getItem(keptColumns));

  get query(): string {
    return router.query.get('q') ?? '';
  }
  set query(words: string) {
    this.#set('q', words);
  }

  /** The state that runs are in; empty: any. */
  get state(): string {
    return router.query.get('state') ?? '';
  }
  set state(state: string) {
    this.#set('state', state);
  }

  get archived(): boolean {
    return router.query.get('view') === 'archived';
  }
  set archived(archived: boolean) {
    router.look((query) => {
      if (archived) query.set('view', 'archived');
      else query.delete('view');
      // Those that are put away are in other states.
      query.delete('state');
    });
  }

  readonly sort = $derived.by((): { column: SortColumn; down: boolean } => {
    const said = router.query.get('sort') ?? '';
    const name = said.replace(/^-/, '');
    if (name === 'name' || (isColumn(name) && name !== 'curve')) return { column: name, down: said.startsWith('-') };
    return { column: 'created', down: true };
  });

  /** Sorts by a column, or the other way round where it is sorted by it. */
  sortBy(column: SortColumn): void {
    const down = this.sort.column === column ? !this.sort.down : startsDown(column);
    this.#set('sort', column === 'created' && down ? '' : `${down ? '-' : ''}${column}`);
  }

  readonly columns = $derived.by(
    () => columnsOf(router.query.get('columns')) ?? columnsOf(this.#kept) ?? defaultColumnsIn(room()),
  );

  show(column: ColumnName, shown: boolean): void {
    const columns = columnNames.filter((name) => (name === column ? shown : this.columns.includes(name)));
    this.#kept = columns.join(',');
    localStorage.setItem(keptColumns, this.#kept);
    router.look((query) => query.set('columns', columns.join(',')));
  }

  resetColumns(): void {
    this.#kept = null;
    localStorage.removeItem(keptColumns);
    router.look((query) => query.delete('columns'));
  }

  /** Shows all runs again. */
  clear(): void {
    router.look((query) => {
      query.delete('q');
      query.delete('state');
    });
  }

  #set(name: string, value: string): void {
    router.look((query) => (value === '' ? query.delete(name) : query.set(name, value)));
  }
}

export const runsView = new RunsView();
