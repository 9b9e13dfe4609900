import { app, dialog, Menu, type MenuItemConstructorOptions, shell } from 'electron';
import { logFolder } from '../base/log.ts';
import { type CommandId, type CommandInfo, commands } from '../api/commands.ts';

/** As menus write it: every word with a capital letter. */
const capitals = (title: string): string => title.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

/** A window makes its offers anew when it loads or finds its studio again; before, pages can be gone to. */
const always = commands.flatMap(({ id }) => (id.startsWith('page.') ? [id] : []));

/** The native menu, made of the commands that the window has, too; what can't be done at the moment is gray. */
export class AppMenu {
  #offered: ReadonlySet<CommandId> = new Set(always);
  readonly #home: string;
  readonly #show: () => void;
  readonly #chosen: (id: CommandId) => void;

  /**
   * @param home the data folder, which Help opens
   * @param show brings the window up, which does what is chosen
   * @param chosen is told what
   */
  constructor(home: string, show: () => void, chosen: (id: CommandId) => void) {
    this.#home = home;
    this.#show = show;
    this.#chosen = chosen;
    this.#set();
  }

  offer(ids: readonly CommandId[]): void {
    const now = new Set(ids);
    if (now.size === this.#offered.size && ids.every((id) => this.#offered.has(id))) return;
    this.#offered = now;
    this.#set();
  }

  /** The studio is started again: no window has offered anything to it. */
  reset(): void {
    this.offer(always);
  }

  #choose(id: CommandId): void {
    this.#show();
    this.#chosen(id);
  }

  #items(menu: CommandInfo['menu']): MenuItemConstructorOptions[] {
    return commands
      .filter((c) => c.menu === menu)
      .map(({ id, title, accelerator }) => ({
        label: capitals(title),
        ...(accelerator ? { accelerator } : {}),
        enabled: this.#offered.has(id),
        click: () => this.#choose(id),
      }));
  }

  #set(): void {
    const isMac = process.platform === 'darwin';
    const template: MenuItemConstructorOptions[] = [
      ...(isMac ? [{ role: 'appMenu' } as const] : []),
      {
        label: 'File',
        submenu: [...this.#items('file'), { type: 'separator' }, { role: isMac ? 'close' : 'quit' }],
      },
      { role: 'editMenu' },
      {
        label: 'View',
        submenu: [
          ...this.#items('view'),
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
      { label: 'Run', submenu: this.#items('run') },
      { role: 'windowMenu' },
      {
        role: 'help',
        submenu: [
          { label: 'Open Log Folder', click: () => void openFolder(logFolder(this.#home)) },
          { label: 'Open Data Folder', click: () => void openFolder(this.#home) },
          { type: 'separator' },
          {
            label: 'GPT-2 (Radford et al. 2019)',
            click: () => void shell.openExternal('https://openai.com/index/better-language-models/'),
          },
        ],
      },
    ];
    Menu.setApplicationMenu(Menu.buildFromTemplate(template));
  }
}

/** Shows a folder; the system says why where it can't. */
async function openFolder(dir: string): Promise<void> {
  const problem = await shell.openPath(dir);
  if (problem) dialog.showErrorBox('Trainyard', `The folder ${dir} can’t be opened: ${problem}`);
}
