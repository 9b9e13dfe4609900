/** Where the window is: a page and what it shows, kept in the address so that back, forward and links work. */
class Router {
  path = $state(read());

  constructor() {
    addEventListener('hashchange', () => (this.path = read()));
  }

  /** The parts of the path: `['run', 'calm-otter-1a2b']`. */
  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decodeURIComponent);
  }

  go(...parts: readonly string[]): void {
    location.hash = href(...parts);
  }
}

const read = (): string => location.hash.replace(/^#/, '') || '/runs';

/** The link to a page. */
export const href = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const router = new Router();
