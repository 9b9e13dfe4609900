import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { RPCHandler } from '@orpc/server/ws';
import sirv from 'sirv';
import { type WebSocket, WebSocketServer } from 'ws';
import { messageOf, UsageError, UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';
import { defectMessage } from '../../base/log.ts';
import { forgetUploads, receiveUpload } from '../../studio/uploads.ts';
import { type ApiContext, logged } from '../context.ts';
import { router } from '../router.ts';
import { serializers } from '../serializers.ts';
import { Access, isLoopback, namesOf } from './access.ts';
import { pageHeaders } from './headers.ts';
import { paced } from './paced.ts';
import { askForToken, enterFromHere, isFromElsewhere, isVisit, pastedToken } from './signIn.ts';

export interface ServerOptions {
  readonly context: ApiContext;
  /** Folder of the built page. */
  readonly pages: string;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** The host may be reached from other machines. */
  readonly exposed?: boolean;
  /** Lets browsers in: of a server that is started again. A new one when absent. */
  readonly token?: string;
}

export interface RunningServer {
  /** Where the studio is opened: the token in it lets a browser in. */
  readonly link: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/** Largest message that a page sends, bytes. */
const maxBytes = 16 << 20;

/**
 * Serves the page and the API: HTTP for files, one WebSocket a window for everything else.
 * @throws UsageError for a host that other machines reach, unless that is asked for; UserError when the port is taken
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { host, port, pages, context } = options;
  if (!isLoopback(host) && !options.exposed) {
    throw new UsageError(
      `${host} is reachable from other machines: use 127.0.0.1 with a tunnel (ssh -L), or add --expose to allow it.`,
    );
  }
  context.studio.planner.moveApart();
  context.studio.jobs.work();
  void forgetUploads(context.studio.home);
  const access = new Access(host, options.token);
  const files = sirv(pages, {
    dev: false,
    etag: true,
    setHeaders(response, pathname) {
      for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
      response.setHeader('Cache-Control', pathname.startsWith('/assets/') ? 'max-age=31536000, immutable' : 'no-cache');
    },
  });
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    if (!access.isMeantForUs(request)) return refuse(response, 403, 'Host or Origin not allowed.');
    // Anything may stand in a request line: `//` alone is no address.
    const address = `http://studio${request.url ?? '/'}`;
    if (!URL.canParse(address)) return refuse(response, 400, 'Not a valid address.');
    const url = new URL(address);
    // `//name/` would be the address of another server.
    const place = url.pathname.replace(/^\/+/, '/');
    const pasted = url.searchParams.get('token');
    if (pasted !== null && access.isToken(pastedToken(pasted))) {
      const headers = { 'Set-Cookie': access.cookie, 'Referrer-Policy': 'no-referrer' };
      if (isFromElsewhere(request)) return enterFromHere(response, place, headers);
      response.writeHead(303, { Location: place, ...headers });
      response.end();
      return;
    }
    // Browsers may ask for the icon of a visit from elsewhere without its cookie, and it tells nobody anything.
    if (place !== '/icon.svg' && !access.isAllowed(request)) {
      if (!isVisit(request))
        return refuse(response, 401, 'Sign in: open the link from the terminal, or paste its token.');
      // Its cookie may be there, and was only not sent along.
      if (pasted === null && isFromElsewhere(request)) return enterFromHere(response, place);
      return askForToken(response, pasted !== null);
    }
    if (url.pathname.startsWith('/uploads/')) {
      void receive(request, response, url.pathname.slice('/uploads/'.length));
      return;
    }
    files(request, response, () => refuse(response, 404, 'Page not found.'));
  };
  // A large file over a slow line takes its time; what a request says first does not.
  const server = http.createServer({ requestTimeout: 0 }, (request, response) => {
    try {
      answer(request, response);
    } catch (error) {
      // Whoever asks, and whatever for: runs that train here must not end by it.
      const file = logged(error, ['request'], context.studio.home);
      if (!response.headersSent) refuse(response, 500, defectMessage(error, file));
    }
  });

  async function receive(request: http.IncomingMessage, response: http.ServerResponse, name: string): Promise<void> {
    if (request.method !== 'PUT') return refuse(response, 405, 'Upload files with PUT.');
    try {
      const file = await receiveUpload(context.studio.home, decodeURIComponent(name), request);
      response.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8' });
      response.end(file);
    } catch (error) {
      refuse(response, 507, messageOf(error));
    }
  }

  const handler = new RPCHandler(router, { customJsonSerializers: serializers });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxBytes });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy()); // a connection that is lost is no reason to end
    if (request.url !== '/api' || !access.isMeantForUs(request) || !access.isAllowed(request)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (ws) => {
      ws.on('error', () => ws.terminate()); // a message too large, a frame that is none
      keepAlive(ws);
      void handler.upgrade(paced(ws) as WebSocket, { context });
    });
  });

  await listen(server, host, port);
  const actual = (server.address() as AddressInfo).port;
  const [name] = namesOf(host);
  return {
    link: `http://${name}:${actual}/?token=${access.token}`,
    port: actual,
    token: access.token,
    async close() {
      for (const client of sockets.clients) client.terminate();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

/** A line that is silent for so long is asked whether it is still there. */
const pingMs = 30_000;

/** Ends connections whose other end is gone without a word, as at the end of a tunnel. */
function keepAlive(ws: WebSocket): void {
  let alive = true;
  ws.on('pong', () => (alive = true));
  const timer = setInterval(() => {
    if (!alive) return ws.terminate();
    alive = false;
    ws.ping();
  }, pingMs);
  ws.on('close', () => clearInterval(timer));
}

function refuse(response: http.ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

async function listen(server: http.Server, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const taken = error.code === 'EADDRINUSE' ? 'the port is in use' : meaningOf(error);
    throw new UserError(
      `The studio can't be served on ${host}:${port}: ${taken}; choose another --port, or 0 for any.`,
    );
  }
}
