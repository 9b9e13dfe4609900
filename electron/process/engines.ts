import type { FromEngine, FromJob, Job, ToEngine } from '../engine/process/messages.ts';
import type { EngineExit, SpawnEngine } from '../studio/run/engine.ts';
import type { Channel, Port } from './channel.ts';

/** After one of these an engine has nothing more to say, and ends when it knows that it was heard. */
const lastWords = new Set<string>(['ended', 'error', 'finished']);
/** A port closes behind the last message; where it does not tell, its engine's end does, after so long. */
const closeMs = 2000;

interface Engine {
  connect(port: Port): void;
  exited(code: number | null): void;
}

/**
 * Engines as utility processes of Electron's, which can start none itself: the application's main process starts them, and
 * hands over a port to each, so that it does not carry what they say.
 */
export function remoteEngines(channel: Channel): SpawnEngine {
  const engines = new Map<number, Engine>();
  let last = 0;
  channel.onMessage((message, port) => {
    if (message.type === 'engine' && port) engines.get(message.id)?.connect(port);
    if (message.type === 'engineExited') engines.get(message.id)?.exited(message.code);
  });
  return (onMessage) => {
    const id = ++last;
    let port: Port | undefined;
    const unsent: (ToEngine | Job)[] = [];
    let closed = (): void => {};
    const silent = new Promise<void>((resolve) => (closed = resolve));
    const exited = new Promise<EngineExit>((resolve) => {
      engines.set(id, {
        connect(given) {
          port = given;
          given.on('message', ({ data }) => {
            const message = data as FromEngine | FromJob;
            onMessage(message);
            if (lastWords.has(message.type)) given.postMessage({ type: 'bye' } satisfies ToEngine);
          });
          given.on('close', closed);
          given.start();
          for (const message of unsent.splice(0)) given.postMessage(message);
        },
        exited(code) {
          engines.delete(id);
          const late = setTimeout(closed, port ? closeMs : 0);
          void silent.then(() => {
            clearTimeout(late);
            resolve({ code, signal: null });
          });
        },
      });
    });
    void channel.send({ type: 'spawnEngine', id });
    return {
      exited,
      send(message) {
        if (port) port.postMessage(message);
        else unsent.push(message);
      },
      kill: () => void channel.send({ type: 'killEngine', id }),
    };
  };
}
