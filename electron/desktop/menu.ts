import { app, Menu, type MenuItemConstructorOptions, shell } from 'electron';

/** Pages of the window by their place in its address, with their keys. */
const pages = [
  ['Runs', 'runs', 'CmdOrCtrl+1'],
  ['New Run', 'new', 'CmdOrCtrl+N'],
  ['Memory', 'memory', 'CmdOrCtrl+2'],
  ['Evals', 'evals', 'CmdOrCtrl+3'],
  ['Samples', 'samples', 'CmdOrCtrl+4'],
  ['Data', 'data', 'CmdOrCtrl+5'],
  ['Settings', 'settings', 'CmdOrCtrl+,'],
] as const;

/** The native menu. @param go shows a page of the window */
export function setMenu(go: (page: string) => void): void {
  const isMac = process.platform === 'darwin';
  const items = (...names: readonly string[]): MenuItemConstructorOptions[] =>
    pages
      .filter(([label]) => names.includes(label))
      .map(([label, page, accelerator]) => ({ label, accelerator, click: () => go(page) }));
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ role: 'appMenu' } as const] : []),
    {
      label: 'File',
      submenu: [
        ...items('New Run'),
        { type: 'separator' },
        ...items('Settings'),
        { type: 'separator' },
        { role: isMac ? 'close' : 'quit' },
      ],
    },
    { role: 'editMenu' },
    {
      label: 'View',
      submenu: [
        ...items('Runs', 'Memory', 'Evals', 'Samples', 'Data'),
        { type: 'separator' },
        { role: 'reload' },
        { role: 'resetZoom' },
        { role: 'zoomIn' },
        { role: 'zoomOut' },
        { type: 'separator' },
        { role: 'togglefullscreen' },
        ...(app.isPackaged ? [] : [{ role: 'toggleDevTools' } as const]),
      ],
    },
    { role: 'windowMenu' },
    {
      role: 'help',
      submenu: [
        {
          label: 'GPT-2 (Radford et al. 2019)',
          click: () => void shell.openExternal('https://openai.com/index/better-language-models/'),
        },
      ],
    },
  ];
  Menu.setApplicationMenu(Menu.buildFromTemplate(template));
}
