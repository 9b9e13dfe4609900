import { type MessagePortMain, utilityProcess } from 'electron';
import type { FromStudio } from '../process/messages.ts';
import { studioEntry } from '../process/fork.ts';
import type { SpawnStudio } from '../process/supervisor.ts';
import { UtilityEngines } from './engines.ts';

/** The studio as a utility process of Electron's, whose engines are started here. */
export const utilityStudio: SpawnStudio<MessagePortMain> = (onMessage) => {
  const child = utilityProcess.fork(studioEntry(), [], { serviceName: 'Trainyard studio', stdio: 'inherit' });
  const engines = new UtilityEngines();
  let isGone = false;
  // Engines may outlive their studio: they save their runs.
  const send = (message: unknown, port?: MessagePortMain): void => {
    if (!isGone) child.postMessage(message, port ? [port] : []);
  };
  child.on('message', (message: FromStudio) => {
    if (message.type === 'spawnEngine') {
      const { id } = message;
      engines.start(
        id,
        (port) => send({ type: 'engine', id }, port),
        (code) => send({ type: 'engineExited', id, code }),
      );
    } else if (message.type === 'killEngine') {
      engines.kill(message.id);
    } else {
      onMessage(message);
    }
  });
  return {
    exited: new Promise((resolve) => {
      child.on('exit', (code) => {
        isGone = true;
        resolve({ code, signal: null });
      });
    }),
    send,
    kill: () => void child.kill(),
  };
};
