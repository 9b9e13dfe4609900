import { app, Menu, type MenuItemConstructorOptions, shell } from 'electron';
import { type CommandId, type CommandInfo, commands } from '../api/commands.ts';
import type { NativeMenu } from '../api/context.ts';

/** As menus write it: every word with a capital letter. */
const capitals = (title: string): string => title.replace(/\b[a-z]/g, (letter) => letter.toUpperCase());

/** The native menu, made of the commands that the window has, too; what can't be done at the moment is grey. */
export class AppMenu implements NativeMenu {
  /** A window makes its offers anew when it loads; before, pages can be gone to. */
  #offered = new Set<CommandId>(commands.flatMap(({ id }) => (id.startsWith('page.') ? [id] : [])));
  readonly #listeners = new Set<(id: CommandId) => void>();
  #waiting: CommandId[] = [];
  readonly #show: () => void;

  /** @param show brings the window up, which does what is chosen */
  constructor(show: () => void) {
    this.#show = show;
    this.#set();
  }

  offer(ids: readonly CommandId[]): void {
    const now = new Set(ids);
    if (now.size === this.#offered.size && ids.every((id) => this.#offered.has(id))) return;
    this.#offered = now;
    this.#set();
  }

  async *chosen(signal: AbortSignal | undefined): AsyncGenerator<CommandId> {
    const ids = this.#waiting.splice(0);
    let wake = (): void => {};
    const listen = (id: CommandId): void => {
      ids.push(id);
      wake();
    };
    const leave = (): void => wake();
    this.#listeners.add(listen);
    signal?.addEventListener('abort', leave);
    try {
      while (!signal?.aborted) {
        const id = ids.shift();
        if (id === undefined) await new Promise<void>((resolve) => (wake = resolve));
        else yield id;
      }
    } finally {
      this.#listeners.delete(listen);
      signal?.removeEventListener('abort', leave);
    }
  }

  #choose(id: CommandId): void {
    this.#show();
    // A window that is just being opened hears of it when it listens.
    if (this.#listeners.size === 0) this.#waiting = [id];
    for (const listen of this.#listeners) listen(id);
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
