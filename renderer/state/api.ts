import { type ClientContext, createORPCClient, ORPCError } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { WebSocket as ReconnectingWebSocket } from 'partysocket';
import type { Contract } from '../../electron/api/contract.ts';
import { serializers } from '../../electron/api/serializers.ts';
import type { ConfigProblem } from '../../electron/api/types.ts';
import { connectionText } from '../text.ts';
import { connection } from './connection.svelte.ts';

export type Api = ContractRouterClient<Contract>;

/** Given by the preload script of the desktop window. */
declare global {
  interface Window {
    readonly trainyard?: { connect(): void; pathOf(file: File): string };
  }
}

function overSocket(): Api {
  const url = new URL('api', document.baseURI);
  url.protocol = url.protocol.replace('http', 'ws');
  const socket = new ReconnectingWebSocket(url.href, [], { minReconnectionDelay: 300, maxReconnectionDelay: 4000 });
  socket.addEventListener('open', () => connection.opened());
  socket.addEventListener('close', () => {
    connection.lost();
    // Out of reach, or not let in? Only a plain request is told.
    fetch(document.baseURI, { cache: 'no-store' }).then(
      ({ status }) => (status === 401 || status === 403 ? connection.refused() : undefined),
      () => {}, // out of reach
    );
  });
  return createORPCClient(
    new SocketLink({ websocket: socket as unknown as WebSocket, customJsonSerializers: serializers }),
  );
}

/** A port whose other end is gone is asked for anew no sooner, milliseconds. */
const reconnectMs = 300;

/** Over a port of the desktop application, and over the next one where its studio is started again. */
async function overPort(connect: () => void): Promise<Api> {
  let link: PortLink<ClientContext>;
  const connected = async (): Promise<void> => {
    const port = await new Promise<MessagePort>((resolve) => {
      const listen = (event: MessageEvent): void => {
        if (event.source !== window || event.data !== 'trainyard') return;
        removeEventListener('message', listen);
        resolve(event.ports[0]!);
      };
      addEventListener('message', listen);
      connect();
    });
    port.addEventListener('close', () => {
      connection.lost();
      setTimeout(() => void connected(), reconnectMs);
    });
    port.start();
    link = new PortLink({ port, customJsonSerializers: serializers });
    connection.opened();
  };
  await connected();
  return createORPCClient({ call: (path, input, options) => link.call(path, input, options) });
}

/** The studio, by whatever way this window has to it. */
export const api: Api = window.trainyard ? await overPort(window.trainyard.connect) : overSocket();

/** A defect of the studio, of which its log says more. */
export const isDefect = (error: unknown): boolean =>
  error instanceof ORPCError && error.code === 'INTERNAL_SERVER_ERROR';

/** Whether a call has no answer because its connection did not outlive it: the library's own word for that. */
const isCutOff = (error: unknown): boolean =>
  error instanceof Error && error.name === 'AbortError' && !(error instanceof DOMException);

/** What a request is called that may be repeated. Also where a page is not on a secure origin, which `randomUUID` asks for. */
export const requestKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/**
 * Repeats a call whose answer was lost, once the studio can be reached again. Only for what has a request key: else it is
 * done twice.
 */
export async function repeated<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!isCutOff(error)) throw error;
    }
    // It is known to be lost a moment later.
    await new Promise((resolve) => setTimeout(resolve, reconnectMs));
    await connection.reached();
  }
}

/** What to tell of anything thrown by a call. */
export function messageOf(error: unknown): string {
  if (isCutOff(error)) return connectionText.unanswered;
  if (error instanceof ORPCError || error instanceof Error) return error.message;
  return String(error);
}

/** Which settings of what was asked are wrong, where the studio says so. */
export function problemsOf(error: unknown): readonly ConfigProblem[] {
  if (!(error instanceof ORPCError)) return [];
  const { problems } = (error.data ?? {}) as { problems?: readonly ConfigProblem[] };
  return problems ?? [];
}
