import type { WebSocket } from 'ws';

/**
 * A socket whose `send` settles when the message has left this process. Subscriptions wait for that before they look for
 * what is new: a window that can't keep up is told less often, and nothing piles up here.
 */
export function paced(ws: Pick<WebSocket, 'send' | 'addEventListener'>): Pick<WebSocket, 'send' | 'addEventListener'> {
  const send = (data: Parameters<WebSocket['send']>[0]): Promise<void> =>
    // One that fails is a connection that is gone, which is heard of by its end.
    new Promise((resolve) => ws.send(data, () => resolve()));
  return { send: send as unknown as WebSocket['send'], addEventListener: ws.addEventListener.bind(ws) };
}
