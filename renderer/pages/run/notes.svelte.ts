import { api, messageOf } from '../../state/api.ts';

/** What is typed is saved once it has rested so long, milliseconds. */
const restingMs = 700;
/** A save that failed is tried again after so long, and after twice as long each time. */
const retryMs = 2000;
const maxRetryMs = 30_000;
/** As the studio takes them. */
export const maxNotes = 100_000;

export type NotesState = 'idle' | 'typed' | 'saving' | 'saved' | 'failed' | 'tooLong';

/** Where a page's unsaved text is kept, should the window be closed before it is saved. */
interface Keep {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

type Save = (notes: string) => Promise<unknown>;

/** What is unsaved, and what it was typed over. */
interface Unsaved {
  readonly text: string;
  readonly base: string;
}

function unsavedOf(kept: string | null): Unsaved | undefined {
  try {
    const { text, base } = JSON.parse(kept ?? '') as Partial<Unsaved>;
    return typeof text === 'string' && typeof base === 'string' ? { text, base } : undefined;
  } catch {
    return undefined;
  }
}

/** The notes of a run as they are typed: saved when they rest, kept and tried again where that fails. */
export class Notes {
  text = $state('');
  state = $state<NotesState>('idle');
  /** Why the last save failed. */
  problem = $state('');
  readonly #save: Save;
  readonly #keep: Keep;
  readonly #key: string;
  /** What the studio has. */
  #stored: string;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retries = 0;
  #saving: Promise<void> | undefined;

  constructor(id: string, stored: string, save: Save, keep: Keep) {
    this.#key = `notes.${id}`;
    this.#save = save;
    this.#keep = keep;
    this.#stored = stored;
    this.text = stored;
    const unsaved = unsavedOf(this.#kept(() => keep.getItem(this.#key)) ?? null);
    if (!unsaved || unsaved.text === stored) return;
    // Written elsewhere meanwhile: neither text is lost.
    const isOthers = unsaved.base !== stored && stored !== '' && !unsaved.text.includes(stored);
    this.type(isOthers ? `${stored}\n\n${unsaved.text}` : unsaved.text);
  }

  get isUnsaved(): boolean {
    return this.text !== this.#stored;
  }

  /** What the studio says that they are: shown where nothing is being typed. */
  hear(stored: string): void {
    if (stored === this.#stored) return;
    const wasUnsaved = this.isUnsaved;
    this.#stored = stored;
    if (!wasUnsaved && !this.#saving) this.text = stored;
  }

  type(text: string): void {
    this.text = text;
    const unsaved: Unsaved = { text, base: this.#stored };
    this.#kept(() => this.#keep.setItem(this.#key, JSON.stringify(unsaved)));
    this.#retries = 0;
    this.state = text.length > maxNotes ? 'tooLong' : 'typed';
    this.#plan(restingMs);
  }

  /** Saves at once what is not saved yet. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#saving;
    if (!this.isUnsaved || this.text.length > maxNotes) return;
    this.#saving = this.#store(this.text);
    await this.#saving;
  }

  async #store(text: string): Promise<void> {
    this.state = 'saving';
    try {
      await this.#save(text);
      this.#stored = text;
      this.#retries = 0;
      this.problem = '';
      // What was typed meanwhile has its own turn.
      if (this.isUnsaved) return;
      this.state = 'saved';
      this.#kept(() => this.#keep.removeItem(this.#key));
    } catch (error) {
      this.state = 'failed';
      this.problem = messageOf(error);
      this.#plan(Math.min(maxRetryMs, retryMs * 2 ** this.#retries++));
    } finally {
      this.#saving = undefined;
    }
  }

  #plan(ms: number): void {
    clearTimeout(this.#timer);
    if (this.text.length <= maxNotes) this.#timer = setTimeout(() => void this.flush(), ms);
  }

  /** A browser may have no room, or keep nothing at all: then what is typed lives as long as the window. */
  #kept<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch {
      return undefined;
    }
  }
}

/** They outlive the page: what could not be saved yet is tried again, and is there when somebody comes back. */
// eslint-disable-next-line svelte/prefer-svelte-reactivity -- what is shown are the notes in it
const open = new Map<string, Notes>();

/** The notes of a run. @param stored as the studio has them */
export function notesOf(id: string, stored: string): Notes {
  const known = open.get(id);
  if (known?.isUnsaved) {
    known.hear(stored);
    return known;
  }
  const notes = new Notes(id, stored, (text) => api.runs.edit({ id, notes: text }), localStorage);
  open.set(id, notes);
  return notes;
}
