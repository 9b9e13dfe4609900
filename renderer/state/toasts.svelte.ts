import { isDefect, messageOf } from './api.ts';

export interface Toast {
  readonly id: number;
  readonly kind: 'info' | 'error';
  readonly text: string;
  /** The studio's log says more. */
  readonly logged: boolean;
}

/** More are not read by anybody: the oldest go. */
const max = 6;

/** Short notes on what happened. Errors stay until they are dismissed. */
class Toasts {
  all = $state.raw<readonly Toast[]>([]);
  #next = 1;

  say(text: string, kind: Toast['kind'] = 'info', logged = false): void {
    // The same again is the same: a button pressed five times doesn't fill the window.
    const id = this.#next++;
    this.all = this.all.filter((toast) => toast.text !== text || toast.kind !== kind).slice(-(max - 1));
    this.all = [...this.all, { id, kind, text, logged }];
    if (kind === 'info') setTimeout(() => this.dismiss(id), 5000);
  }

  dismiss(id: number): void {
    this.all = this.all.filter((t) => t.id !== id);
  }

  /** Does something, and tells when it fails. @returns whether it worked */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.say(messageOf(error), 'error', isDefect(error));
      return false;
    }
  }
}

export const toasts = new Toasts();
