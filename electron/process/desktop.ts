import type { CommandId } from '../api/commands.ts';
import type { Desktop } from '../api/context.ts';
import type { Place } from '../api/places.ts';
import type { Channel } from './channel.ts';
import type { Question } from './messages.ts';
import { Relay } from './relay.ts';

/** More places at once are not gone to. */
const maxPlaces = 20;

/** What the system's window can do, asked of the process that has it. */
export function remoteDesktop(channel: Channel): Desktop {
  const asked = new Map<number, (paths: readonly string[] | null) => void>();
  let last = 0;
  // A command that waits was chosen before a window was there: the latest is meant.
  const chosen = new Relay<CommandId>(1);
  const places = new Relay<Place>(maxPlaces);
  channel.onMessage((message) => {
    if (message.type === 'chosen') chosen.send(message.command);
    if (message.type === 'place') places.send(message.place);
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
    menu: {
      offer: (commands) => void channel.send({ type: 'offer', commands }),
      chosen: (signal) => chosen.listen(signal),
    },
    places: (signal) => places.listen(signal),
  };
}
