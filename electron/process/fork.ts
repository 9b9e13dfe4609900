import { fork } from 'node:child_process';
import { entryFile } from '../base/paths.ts';
import type { FromStudio } from './messages.ts';
import type { StudioProcess, SpawnStudio } from './supervisor.ts';

/** The module that the studio's process runs. */
export const studioEntry = (): string => entryFile('process/main.ts', 'studio.js');

/** The studio as a child process of Node's. */
export const forkStudio: SpawnStudio = (onMessage) => {
  const child = fork(studioEntry(), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  child.on('message', (message) => onMessage(message as FromStudio));
  const exited: StudioProcess['exited'] = new Promise((resolve) => {
    // Not `exit`: messages may still be on their way then.
    child.on('close', (code, signal) => resolve({ code, signal }));
    child.on('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null });
    });
  });
  return {
    exited,
    send(message) {
      if (child.connected) child.send(message);
    },
    kill: () => void child.kill('SIGKILL'),
  };
};
