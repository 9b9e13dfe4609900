import { plural } from '../base/format.ts';
import { shownState } from '../base/states.ts';
import { type BrowserWindow, dialog, Notification, powerSaveBlocker } from 'electron';
import type { RestedRun, TrainingRun } from '../process/messages.ts';
import { readSettings } from '../studio/settings.ts';

/** The system hears of training: it does not sleep meanwhile, shows its progress, and tells when it has ended. */
export class TrainingWatch {
  readonly #home: string;
  readonly #window: () => BrowserWindow | undefined;
  #blocker: number | undefined;
  /** Runs that train. */
  runs: readonly TrainingRun[] = [];

  constructor(home: string, window: () => BrowserWindow | undefined) {
    this.#home = home;
    this.#window = window;
  }

  /** Which runs train by now. */
  set(runs: readonly TrainingRun[]): void {
    this.runs = runs;
    if (runs.length > 0) this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    else if (this.#blocker !== undefined) {
      powerSaveBlocker.stop(this.#blocker);
      this.#blocker = undefined;
    }
    const [run] = runs;
    // -1 takes the bar away.
    this.#window()?.setProgressBar(run ? run.step / Math.max(1, run.stepsTotal) : -1);
  }

  rested({ name, state, message, isAsked }: RestedRun): void {
    const window = this.#window();
    // Nobody sees an application without a window, nor can end it.
    if (window && !window.isVisible() && this.runs.length === 0) window.show();
    if (window?.isFocused() || isAsked || !readSettings(this.#home).notifications) return;
    const note = new Notification({ title: `${name}: ${shownState(state)}`, body: message ?? '' });
    note.on('click', () => this.#window()?.show());
    note.show();
  }
}

export type Closing = 'background' | 'pause' | 'cancel';

/** What to do with training when the window is closed. The safe answer is to leave all as it is. */
export async function askOnClose(window: BrowserWindow, runs: readonly TrainingRun[]): Promise<Closing> {
  const names = runs.map((run) => run.name).join(', ');
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: runs.length === 1 ? `${names} is training.` : `${plural(runs.length, 'run')} are training: ${names}.`,
    detail: 'Training can continue without a window. Paused runs resume bit-exactly.',
    buttons: ['Keep training in the background', 'Pause and quit', 'Cancel'],
    defaultId: 0,
    cancelId: 2,
    noLink: true,
  });
  return (['background', 'pause', 'cancel'] as const)[response] ?? 'cancel';
}
