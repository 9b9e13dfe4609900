/** Both ends of a process that was started with `child_process.fork`. */
import { fork } from 'node:child_process';

/** How a process ended: by its own word, or not. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that was started here; what it says arrives at the listener that it was started with. */
export interface Child<In> {
  /** Settles when it has ended and all that it said has arrived. */
  readonly exited: Promise<ChildExit>;
  send(message: In): void;
  kill(): void;
}

/** Starts a module as a process of its own, whose output is this one's. */
export function forkChild<In extends object, Out>(entry: string, onMessage: (message: Out) => void): Child<In> {
  const child = fork(entry, {
    execArgv: [],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    // Unlike JSON it keeps NaN and infinities.
    serialization: 'advanced',
  });
  child.on('message', (message) => onMessage(message as Out));
  const exited = new Promise<ChildExit>((resolve) => {
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
}

/** The process that started this one with `forkChild`. */
export const forkParent = {
  /** Settles when the message has left this process. */
  send: (message: object): Promise<void> =>
    new Promise((resolve) => {
      if (process.connected) process.send!(message, undefined, undefined, () => resolve());
      else resolve();
    }),
  onMessage: (listener: (message: unknown) => void): void => void process.on('message', listener),
  /** It is gone. */
  onLost: (listener: () => void): void => void process.on('disconnect', listener),
};
