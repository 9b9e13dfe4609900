import { app, BrowserWindow, nativeTheme, screen } from 'electron';
import path from 'node:path';
import { packageFile } from '../base/paths.ts';
import { origin } from './scheme.ts';
import { isVisible, readWindowState, writeWindowState } from './windowState.ts';

/** Opens the studio's window where it was, in the colors that it will have: no white flash in the dark. */
export function openWindow(): BrowserWindow {
  const file = path.join(app.getPath('userData'), 'window.json');
  const before = readWindowState(file);
  const displays = screen.getAllDisplays().map((d) => d.workArea);
  const bounds = before && isVisible(before.bounds, displays) ? before.bounds : { width: 1360, height: 900 };
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 480,
    minHeight: 400,
    show: false,
    title: 'Trainyard',
    icon: packageFile('resources/icon.png'),
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#14171b' : '#f5f6f8',
    webPreferences: {
      preload: packageFile('dist/electron/preload.cjs'),
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webviewTag: false,
      spellcheck: false,
    },
  });
  if (before?.maximized) window.maximize();
  window.once('ready-to-show', () => window.show());
  const keep = () => writeWindowState(file, { bounds: window.getNormalBounds(), maximized: window.isMaximized() });
  window.on('resized', keep).on('moved', keep).on('close', keep);
  void window.loadURL(`${origin}/`);
  return window;
}
