import { fork } from 'node:child_process';
import type { FromEngine, FromJob, Job, ToEngine } from '../../engine/process/messages.ts';
import { entryFile } from '../../base/paths.ts';

/** How an engine process ended: by its own word, or not. */
export interface EngineExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** An engine process: told to start and to stop; what it says arrives at the listener that it was made with. */
export interface EngineProcess {
  /** Settles when it has ended and all that it said has arrived. */
  readonly exited: Promise<EngineExit>;
  send(message: ToEngine | Job): void;
  kill(): void;
}

/** Starts an engine process. There are two ways: a child of Node's, and a utility process of Electron's. */
export type SpawnEngine = (onMessage: (message: FromEngine | FromJob) => void) => EngineProcess;

/** The module that an engine process runs. */
export const engineEntry = (): string => entryFile('engine/process/main.ts', 'engine.js');

/** An engine as a child process of Node's. */
export const forkEngine: SpawnEngine = (onMessage) => {
  const child = fork(engineEntry(), {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Unlike JSON it keeps NaN and infinities.
    serialization: 'advanced',
  });
  child.on('message', (message) => onMessage(message as FromEngine | FromJob));
  const exited = new Promise<EngineExit>((resolve) => {
    // Not `exit`: messages may still be on their way then.
    child.on('close', (code, signal) => resolve({ code, signal }));
    child.on('error', () => {
      // Also told of a signal or message that did not reach a process, which says nothing about its end.
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
