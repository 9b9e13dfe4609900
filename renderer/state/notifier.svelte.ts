import type { RunView } from '../../electron/api/types.ts';
import { states } from '../text.ts';
import { api } from './api.ts';
import { router } from './router.svelte.ts';
import { toasts } from './toasts.svelte.ts';

const ends = new Set<RunView['state']>(['completed', 'failed', 'interrupted']);

/** Tells in a browser when a run has ended, other than by its user, and nobody looks. In the desktop window the application does it. */
class Notifier {
  wanted = $state(true);
  /** What the browser says of it; none where the application tells, or the browser can't. */
  permission = $state<NotificationPermission>();
  #before = new Map<string, RunView['state']>();

  constructor() {
    void Promise.all([api.studio.settings(), api.studio.info()]).then(
      ([{ notifications }, { desktop }]) => {
        this.wanted = notifications;
        if (!desktop && 'Notification' in window) this.permission = Notification.permission;
      },
      () => {}, // as it was
    );
  }

  /** Has the browser ask its user. To be called only upon something that they did. */
  async ask(): Promise<void> {
    if (this.wanted && this.permission === 'default') this.permission = await Notification.requestPermission();
  }

  async want(wanted: boolean): Promise<void> {
    this.wanted = wanted;
    await toasts.attempt(() => api.studio.changeSettings({ notifications: wanted }));
    await this.ask();
  }

  /** Told of all runs whenever one of them changes. */
  look(runs: readonly RunView[]): void {
    for (const run of runs) {
      const before = this.#before.get(run.id);
      if (before !== undefined && before !== run.state && ends.has(run.state) && !run.stoppedEarly) this.#report(run);
      this.#before.set(run.id, run.state);
    }
  }

  #report({ id, name, state, message }: RunView): void {
    if (!this.wanted || this.permission !== 'granted' || document.hasFocus()) return;
    const note = new Notification(`${name}: ${states[state]}`, { body: message ?? '', tag: id });
    note.addEventListener('click', () => {
      window.focus();
      router.go('run', id);
    });
  }
}

export const notifier = new Notifier();
