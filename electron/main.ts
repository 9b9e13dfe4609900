/** The desktop application: a studio, and the window on it. */
import { app, type BrowserWindow, dialog, nativeTheme, powerMonitor } from 'electron';
import { bridge } from './desktop/bridge.ts';
import { desktopDialogs } from './desktop/dialogs.ts';
import { utilityEngine } from './desktop/engine.ts';
import { AppMenu } from './desktop/menu.ts';
import { registerScheme, servePages } from './desktop/scheme.ts';
import { secure } from './desktop/security.ts';
import { askOnClose, TrainingWatch } from './desktop/training.ts';
import { openWindow } from './desktop/window.ts';
import { messageOf, UserError } from './base/errors.ts';
import { packageFile } from './base/paths.ts';
import { defectMessage, logDefect } from './base/log.ts';
import { locateHome, resolveHome } from './studio/home.ts';
import { readSettings } from './studio/settings.ts';
import { Studio } from './studio/studio.ts';

let window: BrowserWindow | undefined;
let studio: Studio | undefined;
let training: TrainingWatch | undefined;
/** The studio is being closed, or is. */
let closing = false;

function show(): void {
  window ??= opened();
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function opened(): BrowserWindow {
  const made = openWindow();
  made.on('close', (event) => {
    if (closing || !training || training.runs.length === 0) return;
    event.preventDefault();
    void askOnClose(made, training.runs).then((answer) => {
      if (answer === 'background') made.hide();
      else if (answer === 'stop') end();
    });
  });
  // Of Windows, which does not wait long.
  made.on('session-end', endUnasked);
  made.on('closed', () => (window = undefined));
  return made;
}

/** Asks what becomes of training; with nothing in training, or when that is answered, the application ends. */
function shutDown(event: Electron.Event): void {
  if (closing || !studio) return;
  event.preventDefault();
  const running = training?.runs ?? [];
  if (running.length === 0 || !window) return end();
  void askOnClose(window, running).then((answer) => {
    if (answer === 'background') window?.hide();
    else if (answer === 'stop') end();
  });
}

/** Saves what trains, and ends. */
function end(): void {
  closing = true;
  training?.stop();
  void studio!.shutdown().finally(() => app.quit());
}

/** A signal, or the end of the system's session: there is nobody to ask, and not much time. */
function endUnasked(): void {
  if (!closing && studio) end();
  else if (!studio) app.quit();
}

function start(): void {
  try {
    studio = Studio.open(resolveHome(), utilityEngine, (line) => dialog.showErrorBox('Trainyard', line));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    dialog.showErrorBox('Trainyard can’t open its data folder', messageOf(error));
    app.exit(1);
    return;
  }
  secure();
  servePages(packageFile('dist/renderer'));
  const { home } = studio;
  const settingsChanged = () => (nativeTheme.themeSource = readSettings(home).theme);
  settingsChanged();
  bridge({ studio, desktop: { ...desktopDialogs(() => window), settingsChanged, menu: new AppMenu(show) } });
  training = new TrainingWatch(studio, () => window);
  // On Linux and macOS the system waits for what prevents it: until the runs are saved.
  (powerMonitor as NodeJS.EventEmitter).on('shutdown', (event: Electron.Event) => {
    event.preventDefault();
    endUnasked();
  });
  show();
}

/** A defect that nobody caught: it is told, with the place of its stack, and the window goes on. */
process.on('uncaughtException', (error) => {
  dialog.showErrorBox('Trainyard', defectMessage(error, logDefect(studio?.home ?? locateHome(), 'application', error)));
});

registerScheme();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endUnasked);
if (app.requestSingleInstanceLock()) {
  app.enableSandbox();
  app.on('second-instance', show);
  app.on('activate', show);
  app.on('before-quit', shutDown);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  void app.whenReady().then(start);
} else {
  app.quit();
}
