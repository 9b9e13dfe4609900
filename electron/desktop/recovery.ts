import { type BrowserWindow, dialog } from 'electron';
import { logDefect, logFile } from '../base/log.ts';

/** So many crashes of a page, */
const maxCrashes = 3;
/** within so long, are no accident: it is not loaded again by itself. */
const withinMs = 60_000;

const unharmed = 'Training is not affected.';

/**
 * Loads the page of a window again when its process dies, and asks when it hangs. What trains is in other processes.
 * @param home whose log is told
 * @param isClosing the page may go: so does the application
 */
export function setupRecovery(window: BrowserWindow, home: string, isClosing: () => boolean): void {
  const { webContents } = window;
  let crashes: number[] = [];
  /** It was ended here, since it hung. */
  let isEnded = false;

  webContents.on('render-process-gone', (_event, { reason, exitCode }) => {
    if (isEnded || reason === 'clean-exit' || isClosing() || window.isDestroyed()) return void (isEnded = false);
    logDefect(home, 'window', new Error(`The page of the window ended: ${reason}, code ${exitCode}`));
    const now = performance.now();
    crashes = [...crashes.filter((at) => now - at < withinMs), now];
    if (crashes.length <= maxCrashes) webContents.reload();
    else void askAfterCrashes(reason);
  });

  async function askAfterCrashes(reason: string): Promise<void> {
    const memory = reason === 'oom' ? ' It ran out of memory: close other programs first.' : '';
    const { response } = await dialog.showMessageBox(window, {
      type: 'error',
      message: `The window’s page crashed ${crashes.length} times within a minute.`,
      detail: `${unharmed}${memory} See the log: ${logFile(home)}`,
      buttons: ['Reload', 'Close window'],
      defaultId: 0,
      cancelId: 0,
      noLink: true,
    });
    crashes = [];
    if (window.isDestroyed()) return;
    if (response === 1) window.close();
    else webContents.reload();
  }

  /** Takes the question back when the page answers again. */
  let asking: AbortController | undefined;
  window.on('unresponsive', () => {
    if (!asking && !isClosing()) void askWhileHung();
  });
  window.on('responsive', () => asking?.abort());

  async function askWhileHung(): Promise<void> {
    const controller = (asking = new AbortController());
    try {
      const { response } = await dialog.showMessageBox(window, {
        type: 'warning',
        message: 'The window is not responding.',
        detail: `${unharmed} Reloading loses what was typed and not saved.`,
        buttons: ['Wait', 'Reload'],
        defaultId: 0,
        cancelId: 0,
        noLink: true,
        signal: controller.signal,
      });
      if (response !== 1 || controller.signal.aborted || window.isDestroyed()) return;
      logDefect(home, 'window', new Error('The page of the window did not respond, and was reloaded'));
      // A page that hangs can't be reloaded in its process: this is how Electron's documentation gives it another.
      isEnded = true;
      webContents.forcefullyCrashRenderer();
      webContents.reload();
    } finally {
      asking = undefined;
    }
  }
}
