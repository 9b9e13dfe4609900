import { type BrowserWindow, dialog, type OpenDialogOptions } from 'electron';

/** Files and folders chosen in the system's own dialog, over a window; null when it was left. */
export const pickFiles = (title: string, over?: BrowserWindow): Promise<string[] | null> =>
  pick({ title, properties: ['openFile', 'multiSelections', 'showHiddenFiles'] }, over);

/** One folder, which may be made there and then; null when the dialog was left. */
export const pickFolder = (title: string, over?: BrowserWindow): Promise<string[] | null> =>
  pick({ title, properties: ['openDirectory', 'createDirectory'] }, over);

async function pick(options: OpenDialogOptions, over?: BrowserWindow): Promise<string[] | null> {
  const { canceled, filePaths } = await (over ? dialog.showOpenDialog(over, options) : dialog.showOpenDialog(options));
  return canceled || filePaths.length === 0 ? null : filePaths;
}
