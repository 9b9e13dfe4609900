import { forkParent } from '../base/child.ts';
import type { FromStudio, ToStudio } from './messages.ts';

/** A port that came with a message: of Electron's, to another process. */
export interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
  on(event: 'close', listener: () => void): void;
  start(): void;
  close(): void;
}

/** What the studio's process says to the one that started it, and is told, whichever way it was started. */
export interface Channel {
  /** Settles when the message has left this process. */
  send(message: FromStudio): Promise<void>;
  onMessage(listener: (message: ToStudio, port: Port | undefined) => void): void;
  /** The process that started this one is gone. */
  onLost(listener: () => void): void;
}

/** Of a child process of Node's. */
const ofFork: Channel = {
  ...forkParent,
  onMessage: (listener) => forkParent.onMessage((message) => listener(message as ToStudio, undefined)),
};

/** The part of Electron's utility processes that is used; see its documentation of `parentPort`. */
interface ParentPort {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { data: unknown; ports: readonly Port[] }) => void): void;
}

/** Of a utility process of Electron's, which ends with its application by itself. */
const ofUtility = (port: ParentPort): Channel => ({
  send: async (message) => port.postMessage(message),
  onMessage: (listener) => port.on('message', ({ data, ports }) => listener(data as ToStudio, ports[0])),
  onLost: () => {},
});

const { parentPort } = process as { parentPort?: ParentPort };

/** Whether Electron started this process: engines are started by it, too. */
export const isUtility = parentPort !== undefined;
export const channel: Channel = parentPort ? ofUtility(parentPort) : ofFork;
