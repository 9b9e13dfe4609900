import { forkParent } from '../../base/child.ts';
import type { FromEngine, FromJob, Job, ToEngine } from './messages.ts';

/** What an engine process says and is told, whichever way it was started. */
export interface Channel {
  /** Settles when the message has left this process. */
  send(message: FromEngine | FromJob): Promise<void>;
  /** Settles when all that was sent has arrived: to wait for before this process ends. */
  delivered(): Promise<void>;
  onMessage(listener: (message: ToEngine | Job) => void): void;
  /** The studio is gone. */
  onLost(listener: () => void): void;
}

/** Of a child process of Node's. */
const ofFork: Channel = {
  ...forkParent,
  delivered: async () => {},
  onMessage: (listener) => forkParent.onMessage((message) => listener(message as ToEngine | Job)),
};

/** A port of Electron's; see its documentation of `MessagePortMain`. */
interface Port {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void;
  on(event: 'close', listener: () => void): void;
  start(): void;
}

/** The part of Electron's utility processes that is used; see its documentation of `parentPort`. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly ports: readonly Port[] }) => void): void;
}

/** Of a utility process of Electron's: its one message from the application brings the port to the studio. */
function ofUtility(parent: ParentPort): Channel {
  let said = (): void => {};
  const bye = new Promise<void>((resolve) => (said = resolve));
  const listeners: ((message: ToEngine | Job) => void)[] = [];
  const lost: (() => void)[] = [];
  let connect = (_port: Port): void => {};
  const connected = new Promise<Port>((resolve) => (connect = resolve));
  parent.on('message', ({ ports: [port] }) => {
    if (!port) return;
    port.on('message', ({ data }) => {
      const message = data as ToEngine | Job;
      if (message.type === 'bye') said();
      else for (const listener of listeners) listener(message);
    });
    port.on('close', () => lost.forEach((listener) => listener()));
    port.start();
    connect(port);
  });
  return {
    send: async (message) => (await connected).postMessage(message),
    // What is posted just before the end would be lost: the studio says when it has the last message.
    delivered: () => Promise.race([bye, new Promise<void>((resolve) => setTimeout(resolve, 5000))]),
    onMessage: (listener) => void listeners.push(listener),
    onLost: (listener) => void lost.push(listener),
  };
}

const { parentPort } = process as { parentPort?: ParentPort };

export const channel: Channel = parentPort ? ofUtility(parentPort) : ofFork;
