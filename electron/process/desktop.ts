import type { CommandId } from '../api/commands.ts';
import type { Desktop, NativeMenu } from '../api/context.ts';
import type { Channel } from './channel.ts';
import type { Question } from './messages.ts';

/** The native menu, which another process has. */
class RemoteMenu implements NativeMenu {
  readonly #channel: Channel;
  readonly #listeners = new Set<(id: CommandId) => void>();
  /** A window that is just being opened hears of it when it listens. */
  #waiting: CommandId[] = [];

  constructor(channel: Channel) {
    this.#channel = channel;
    channel.onMessage((message) => {
      if (message.type !== 'chosen') return;
      if (this.#listeners.size === 0) this.#waiting = [message.command];
      for (const listen of this.#listeners) listen(message.command);
    });
  }

  offer(commands: readonly CommandId[]): void {
    void this.#channel.send({ type: 'offer', commands });
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
}

/** What the system's window can do, asked of the process that has it. */
export function remoteDesktop(channel: Channel): Desktop {
  const asked = new Map<number, (paths: readonly string[] | null) => void>();
  let last = 0;
  channel.onMessage((message) => {
    if (message.type !== 'answer') return;
    asked.get(message.id)?.(message.paths);
    asked.delete(message.id);
  });
  const ask = (question: Question): Promise<readonly string[] | null> =>
    new Promise((resolve) => {
      asked.set(++last, resolve);
      void channel.send({ type: 'ask', id: last, ...question });
    });
  return {
    pickFiles: async (title) => (await ask({ what: 'pickFiles', title }))?.slice() ?? null,
    pickFolder: async (title) => (await ask({ what: 'pickFolder', title }))?.[0] ?? null,
    showFile: (file) => void channel.send({ type: 'showFile', file }),
    openFile: (file) => void channel.send({ type: 'openFile', file }),
    settingsChanged: () => void channel.send({ type: 'settingsChanged' }),
    menu: new RemoteMenu(channel),
  };
}
