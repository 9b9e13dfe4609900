import { type BrowserWindow, dialog, shell } from 'electron';
import type { Desktop } from '../api/context.ts';

/** The system's own dialogs, over the studio's window. */
export function desktopDialogs(
  window: () => BrowserWindow | undefined,
): Pick<Desktop, 'pickFiles' | 'pickFolder' | 'showFile' | 'openFile'> {
  return {
    async pickFiles(title) {
      const options = {
        title,
        properties: ['openFile', 'multiSelections', 'showHiddenFiles'] as (
          'openFile' | 'multiSelections' | 'showHiddenFiles'
        )[],
      };
      const over = window();
      const { canceled, filePaths } = await (over
        ? dialog.showOpenDialog(over, options)
        : dialog.showOpenDialog(options));
      return canceled || filePaths.length === 0 ? null : filePaths;
    },
    async pickFolder(title) {
      const options = {
        title,
        properties: ['openDirectory', 'createDirectory'] as ('openDirectory' | 'createDirectory')[],
      };
      const over = window();
      const { canceled, filePaths } = await (over
        ? dialog.showOpenDialog(over, options)
        : dialog.showOpenDialog(options));
      return canceled ? null : (filePaths[0] ?? null);
    },
    showFile: (file) => shell.showItemInFolder(file),
    openFile: (file) => void shell.openPath(file),
  };
}
