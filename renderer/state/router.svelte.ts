/** The address is written once its query has rested: browsers refuse to follow every move of a slider. Milliseconds. */
const restingMs = 200;

/**
 * Where the window is: a page and what it shows, kept in the address so that back, forward and links work. Behind the page
 * stands how it is looked at: `#/run/calm-otter-1a2b?x=tokens&hide=loss`.
 */
class Router {
  path = $state('/runs');
  #search = $state('');
  /** How the page is looked at. Changed by `look` alone. */
  readonly query = $derived(new URLSearchParams(this.#search));
  #writing: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.#read();
    addEventListener('hashchange', () => {
      const before = this.parts[0];
      this.#read();
      // Another page begins at its top, and is read from there.
      if (this.parts[0] === before) return;
      scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    });
  }

  #read(): void {
    clearTimeout(this.#writing);
    const { path, search } = placeOf(location.hash);
    this.path = path;
    this.#search = search;
  }

  /** The parts of the path: `['run', 'calm-otter-1a2b']`. */
  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decoded);
  }

  go(...parts: readonly string[]): void {
    location.hash = href(...parts);
  }

  /** Changes how the page is looked at. The address follows, without a step of its own to go back to. */
  look(change: (query: URLSearchParams) => void): void {
    const query = new URLSearchParams(this.#search);
    change(query);
    const search = query.toString();
    if (search === this.#search) return;
    this.#search = search;
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => {
      // The window may be on its way to another page, of which it is told a moment later.
      if (placeOf(location.hash).path === this.path)
        history.replaceState(history.state, '', `#${this.path}${search === '' ? '' : `?${search}`}`);
    }, restingMs);
  }
}

/** What an address says: a page, and how it is looked at. */
function placeOf(hash: string): { path: string; search: string } {
  const [path = '', ...search] = hash.replace(/^#/, '').split('?');
  return { path: path || '/runs', search: search.join('?') };
}

/** A part of an address that was cut off or mistyped stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The link to a page. */
export const href = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const router = new Router();
