import { plural } from '../base/format.ts';
import { shownState } from '../base/states.ts';
import { type BrowserWindow, dialog, Notification, powerSaveBlocker } from 'electron';
import type { Run } from '../studio/store/index.ts';
import { readSettings } from '../studio/settings.ts';
import type { Studio } from '../studio/studio.ts';

const everyMs = 1000;

/** The system hears of training: it does not sleep meanwhile, shows its progress, and tells when it has ended. */
export class TrainingWatch {
  readonly #studio: Studio;
  readonly #window: () => BrowserWindow | undefined;
  readonly #timer: NodeJS.Timeout;
  #blocker: number | undefined;
  #training = new Map<string, string>();

  constructor(studio: Studio, window: () => BrowserWindow | undefined) {
    this.#studio = studio;
    this.#window = window;
    this.#timer = setInterval(() => this.#look(), everyMs).unref();
  }

  /** Runs that train in this process. */
  get runs(): readonly Run[] {
    return this.#studio.store
      .listRuns({ state: ['training', 'preparing'] })
      .filter((run) => this.#studio.handleOf(run.id) !== undefined);
  }

  /** Before the studio is closed: there is nothing to look at then. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const { runs } = this;
    for (const id of this.#training.keys()) if (!runs.some((run) => run.id === id)) this.#ended(id);
    this.#training = new Map(runs.map((run) => [run.id, run.name]));
    if (runs.length > 0) this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (this.#blocker !== undefined) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
    const [run] = runs;
    // -1 takes the bar away.
    this.#window()?.setProgressBar(run ? run.step / Math.max(1, run.stepsTotal ?? 1) : -1);
  }

  #ended(id: string): void {
    const window = this.#window();
    // Nobody sees an application without a window, nor can end it.
    if (window && !window.isVisible() && this.runs.length === 0) window.show();
    if (window?.isFocused() || !readSettings(this.#studio.home).notifications) return;
    const { name, state, message } = this.#studio.store.getRun(id);
    if (state === 'paused' || state === 'stopped') return; // somebody asked for it
    const note = new Notification({ title: `${name}: ${shownState(state)}`, body: message ?? '' });
    note.on('click', () => this.#window()?.show());
    note.show();
  }
}

export type Closing = 'background' | 'stop' | 'cancel';

/** What to do with training when the window is closed. The safe answer is to leave all as it is. */
export async function askOnClose(window: BrowserWindow, runs: readonly Run[]): Promise<Closing> {
  const names = runs.map((run) => run.name).join(', ');
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: runs.length === 1 ? `${names} is training.` : `${plural(runs.length, 'run')} are training: ${names}.`,
    detail: 'Training can continue without a window. Saved runs resume bit-exactly.',
    buttons: ['Keep training in the background', 'Save and stop', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  return (['background', 'stop', 'cancel'] as const)[response] ?? 'cancel';
}
