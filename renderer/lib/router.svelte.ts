/** Where the window is: a page and what it shows, kept in the address so that back, forward and links work. */
class Router {
  path = $state(read());

  constructor() {
    addEventListener('hashchange', () => {
      const before = this.parts[0];
      this.path = read();
      // Another page begins at its top, and is read from there.
      if (this.parts[0] === before) return;
      scrollTo(0, 0);
      document.getElementById('main')?.focus({ preventScroll: true });
    });
  }

  /** The parts of the path: `['run', 'calm-otter-1a2b']`. */
  get parts(): string[] {
    return this.path.split('/').filter(Boolean).map(decoded);
  }

  go(...parts: readonly string[]): void {
    location.hash = href(...parts);
  }
}

/** A part of an address that was cut off or mistyped stands for itself. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const read = (): string => location.hash.replace(/^#/, '') || '/runs';

/** The link to a page. */
export const href = (...parts: readonly string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

export const router = new Router();
