/** The desktop application: it starts, watches and ends the studio's process, and has windows, menu, tray, dialogs and power. */
import { app, type BrowserWindow, dialog, type MessagePortMain, nativeTheme, powerMonitor, shell } from 'electron';
import { bridge } from './desktop/bridge.ts';
import { pickFiles, pickFolder } from './desktop/dialogs.ts';
import { AppMenu } from './desktop/menu.ts';
import { Openings } from './desktop/opening.ts';
import { setupRecovery } from './desktop/recovery.ts';
import { registerScheme, servePages } from './desktop/scheme.ts';
import { secure } from './desktop/security.ts';
import { utilityStudio } from './desktop/studio.ts';
import { askOnClose, TrainingWatch } from './desktop/training.ts';
import { AppTray } from './desktop/tray.ts';
import { openWindow } from './desktop/window.ts';
import { messageOf, UserError } from './base/errors.ts';
import { packageFile } from './base/paths.ts';
import { defectMessage, logDefect } from './base/log.ts';
import { locateHome, resolveHome } from './studio/home.ts';
import { readSettings } from './studio/settings.ts';
import type { FromStudio, ToStudio, TrainingRun } from './process/messages.ts';
import { StudioSupervisor } from './process/supervisor.ts';

let window: BrowserWindow | undefined;
let studio: StudioSupervisor<MessagePortMain> | undefined;
let menu: AppMenu | undefined;
let training: TrainingWatch | undefined;
let tray: AppTray | undefined;
const openings = new Openings();
/** The studio is being closed, or is. */
let closing = false;
/** Pages are served, and the studio is open. */
let isReady = false;

function show(): void {
  // Of a second start while this one is still starting: its window comes by itself.
  if (!window && !isReady) return;
  window ??= openedWindow();
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

function openedWindow(): BrowserWindow {
  const made = openWindow();
  made.on('close', (event) => {
    if (closing || !training || training.runs.length === 0) return;
    event.preventDefault();
    void askOnClose(made, training.runs).then((answer) => {
      if (answer === 'background') made.hide();
      else if (answer === 'pause') end();
    });
  });
  setupRecovery(made, locateHome(), () => closing);
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
  if (running.length === 0) return end();
  // It may be hidden, and nobody answers what is not seen.
  show();
  void askOnClose(window!, running).then((answer) => {
    if (answer === 'background') window?.hide();
    else if (answer === 'pause') end();
  });
}

/** Saves what trains, and ends. */
function end(): void {
  closing = true;
  void studio!.shutdown().finally(() => app.quit());
}

/** A signal, or the end of the system's session: there is nobody to ask, and not much time. */
function endUnasked(): void {
  if (!closing && studio) end();
  else if (!studio) app.quit();
}

/** Ends where nothing can be done but to tell why. */
function fail(title: string, line: string): void {
  closing = true;
  dialog.showErrorBox(title, line);
  app.exit(1);
}

async function start(): Promise<void> {
  const home = await opened();
  if (home === undefined) return;
  secure();
  servePages(packageFile('dist/renderer'));
  nativeTheme.themeSource = readSettings(home).theme;
  bridge((port) => void studio!.send({ type: 'window' }, port));
  // On Linux and macOS the system waits for what prevents it: until the runs are saved.
  (powerMonitor as NodeJS.EventEmitter).on('shutdown', (event: Electron.Event) => {
    event.preventDefault();
    endUnasked();
  });
  isReady = true;
  show();
  openings.deliverTo((place) => send({ type: 'place', place }));
}

function send(message: ToStudio): void {
  void studio!.send(message);
}

function showRun(id: string): void {
  show();
  send({ type: 'place', place: { kind: 'run', id } });
}

/** Starts the studio's process. @returns the data folder; undefined where it can't be opened, which is told */
async function opened(): Promise<string | undefined> {
  try {
    const home = resolveHome();
    training = new TrainingWatch(home, () => window);
    menu = new AppMenu(home, show, (command) => send({ type: 'chosen', command }));
    tray = new AppTray(home, {
      show,
      showRun,
      pause: () => send({ type: 'pauseAll' }),
      resume: () => send({ type: 'resumeAll' }),
      quit: () => app.quit(),
    });
    studio = new StudioSupervisor(utilityStudio, {
      home,
      onMessage: (message) => heard(message, home),
      onRestart: () => {
        heardTraining([], false);
        menu!.reset();
      },
      onGivenUp: (line) => fail('Trainyard', line),
    });
    await studio.start();
    return home;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    fail('Trainyard can’t open its data folder', messageOf(error));
    return undefined;
  }
}

/** What the studio has of the system, or tells it. */
function heard(message: FromStudio, home: string): void {
  if (message.type === 'training') heardTraining(message.runs, message.canResume);
  else if (message.type === 'rested') training!.rested(message.run);
  else if (message.type === 'report') dialog.showErrorBox('Trainyard', message.line);
  else if (message.type === 'offer') menu!.offer(message.commands);
  else if (message.type === 'settingsChanged') nativeTheme.themeSource = readSettings(home).theme;
  else if (message.type === 'showFile') shell.showItemInFolder(message.file);
  else if (message.type === 'openFile') void shell.openPath(message.file);
  else if (message.type === 'ask') void answer(message);
}

function heardTraining(runs: readonly TrainingRun[], canResume: boolean): void {
  training!.set(runs);
  tray!.set(runs, canResume);
}

async function answer({ id, what, title }: Extract<FromStudio, { type: 'ask' }>): Promise<void> {
  const paths = await (what === 'pickFiles' ? pickFiles : pickFolder)(title, window);
  studio!.sendNow({ type: 'answer', id, paths });
}

/** A defect that nobody caught: it is told, with the place of its stack, and the window goes on. */
process.on('uncaughtException', (error) => {
  dialog.showErrorBox('Trainyard', defectMessage(error, logDefect(locateHome(), 'application', error)));
});

registerScheme();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endUnasked);
if (openings.claim(show)) {
  app.enableSandbox();
  app.on('activate', show);
  app.on('before-quit', shutDown);
  app.on('window-all-closed', () => {
    if (process.platform !== 'darwin') app.quit();
  });
  void app.whenReady().then(start);
} else {
  app.quit();
}
