import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { Contract } from '../../electron/api/contract.ts';
import { serializers } from '../../electron/api/serializers.ts';
import { startServer } from '../../electron/api/transports/server.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { UsageError, UserError } from '../../electron/base/errors.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

async function serve(host = '127.0.0.1', exposed = false, port = 0) {
  const pages = path.join(tempDir(), 'pages');
  fs.mkdirSync(pages);
  fs.writeFileSync(path.join(pages, 'index.html'), '<p>studio</p>');
  fs.writeFileSync(path.join(path.dirname(pages), 'secret.txt'), 'secret');
  const studio = Studio.open(tempDir());
  const server = await startServer({ context: { studio }, pages, host, port, exposed }).catch((error: unknown) => {
    studio.close();
    throw error;
  });
  onTestFinished(async () => {
    await server.close();
    studio.close();
  });
  const url = new URL(server.link);
  return {
    url,
    port: Number(url.port),
    token: url.searchParams.get('token')!,
    home: studio.home,
    studio,
    cookie: await cookieOf(url),
  };
}

/** The cookie that opening the link gives. */
async function cookieOf(url: URL): Promise<string> {
  const { headers } = await ask(Number(url.port), url.pathname + url.search, { host: `127.0.0.1:${url.port}` });
  return headers['set-cookie']![0]!.split(';')[0]!;
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** A request with just these headers, unlike fetch's. */
const ask = (port: number, at: string, headers: Record<string, string>): Promise<Answer> =>
  new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path: at, headers: { host: `127.0.0.1:${port}`, ...headers } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      })
      .on('error', reject);
  });

const socket = (port: number, headers: Record<string, string>): Promise<string> =>
  new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/api`, { headers });
    ws.on('open', () => (ws.close(), resolve('open')));
    ws.on('error', (error) => resolve(error.message));
  });

describe('the loopback server', () => {
  it('lets in who has the link, by a cookie that scripts and other sites never have', async () => {
    const { url, port } = await serve();
    const first = await ask(port, url.pathname + url.search, {});
    expect(first.status).toBe(303);
    expect(first.headers.location).toBe('/');
    const [cookie] = first.headers['set-cookie']!;
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    const page = await ask(port, '/', { cookie: cookie!.split(';')[0]! });
    expect(page).toMatchObject({ status: 200, body: '<p>studio</p>' });
    expect(page.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(page.headers['x-content-type-options']).toBe('nosniff');
    expect(await socket(port, { cookie: cookie!.split(';')[0]! })).toBe('open');
  });

  it('lets in nobody else, whatever they ask for', async () => {
    const { port, token } = await serve();
    expect((await ask(port, '/', {})).status).toBe(401);
    expect((await ask(port, '/?token=wrong', {})).status).toBe(401);
    expect((await ask(port, '/', { cookie: 'trainyard=wrong' })).status).toBe(401);
    expect((await ask(port, '/', { cookie: `other=${token}` })).status).toBe(401);
    expect(await socket(port, {})).toMatch(/403/);
    expect(await socket(port, { cookie: 'trainyard=wrong' })).toMatch(/403/);
  });

  it('answers to the names of this machine only, and to no page of another site', async () => {
    const { port, cookie } = await serve();
    const status = async (headers: Record<string, string>) => (await ask(port, '/', { cookie, ...headers })).status;
    expect(await status({ host: 'localhost:9999' })).toBe(200); // the near end of a tunnel
    expect(await status({ host: `evil.example:${port}` })).toBe(403); // a name that was pointed here
    expect(await status({ origin: 'https://evil.example' })).toBe(403);
    expect(await status({ origin: `http://127.0.0.1:${port + 1}` })).toBe(403);
    expect(await status({ origin: `http://127.0.0.1:${port}` })).toBe(200);
    expect(await socket(port, { cookie, origin: 'https://evil.example' })).toMatch(/403/);
    expect(await socket(port, { cookie, origin: `http://127.0.0.1:${port}` })).toBe('open');
  });

  it('is ended by nothing that is sent to it', async () => {
    const { port, cookie } = await serve();
    const raw = (text: string, reset = false) =>
      new Promise<string>((resolve) => {
        const client = net.connect(port, '127.0.0.1', () => {
          client.write(text);
          if (reset) client.resetAndDestroy();
        });
        let got = '';
        client.on('data', (d) => (got += d.toString()));
        client.on('error', () => resolve(got));
        client.on('close', () => resolve(got));
      });
    const request = (at: string, more = '') =>
      `GET ${at} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n${more}\r\n`;
    for (const at of ['//', '//[', '/\\', 'http://[', '*'])
      expect(await raw(request(at))).toMatch(/^HTTP\/1\.1 4\d\d /);
    const upgrade =
      'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n';
    await Promise.all(Array.from({ length: 100 }, () => raw(request('/api', upgrade), true)));
    // A message too large, and one that is none.
    const closed = await new Promise<number>((resolve) => {
      const ws = new WebSocket(`ws://127.0.0.1:${port}/api`, { headers: { cookie } });
      ws.on('open', () => ws.send(Buffer.alloc(17 << 20)));
      ws.on('error', () => {});
      ws.on('close', (code) => resolve(code));
    });
    expect([1006, 1009]).toContain(closed);
    await raw(request('/api', `Cookie: ${cookie}\r\n${upgrade}`) + '\xff\xff\xff', true);
    expect((await ask(port, '/', { cookie })).status).toBe(200);
  });

  it('does not share its cookie with another one on the same name', async () => {
    const [one, two] = [await serve(), await serve()];
    expect((await ask(one.port, '/', { cookie: `${one.cookie}; ${two.cookie}` })).status).toBe(200);
    expect((await ask(two.port, '/', { cookie: `${one.cookie}; ${two.cookie}` })).status).toBe(200);
    expect((await ask(two.port, '/', { cookie: one.cookie })).status).toBe(401);
  });

  it('gives no file but those of the page', async () => {
    const { port, cookie } = await serve();
    for (const at of ['/../secret.txt', '/%2e%2e/secret.txt', '/..%2fsecret.txt', '/nothing']) {
      expect([at, (await ask(port, at, { cookie })).status]).toEqual([at, 404]);
    }
  });

  it('keeps files that are sent to it, inside its home, whatever their names are', async () => {
    const { port, cookie, home } = await serve();
    const put = (name: string, headers: Record<string, string>) =>
      fetch(`http://127.0.0.1:${port}/uploads/${name}`, { method: 'PUT', body: 'some text', headers });
    for (const name of [
      'a.txt',
      '..%2F..%2Fb.txt',
      '%2Fetc%2Fpasswd',
      '..',
      'C%3A%5Cc.txt',
      '%00',
      encodeURIComponent('ä ü.txt'),
    ]) {
      const answer = await put(name, { cookie });
      if (name === '..') continue; // the client goes up by itself, and sends it elsewhere
      const file = await answer.text();
      expect([name, answer.status, path.relative(path.join(home, 'uploads'), file)]).toEqual([
        name,
        200,
        expect.stringMatching(/^[0-9a-f]{12}[/\\][^/\\]+$/),
      ]);
      expect(fs.readFileSync(file, 'utf8')).toBe('some text');
    }
    expect((await put('a.txt', {})).status).toBe(401);
    expect((await put('a.txt', { cookie, origin: 'https://evil.example' })).status).toBe(403);
    expect((await put('%E0%A4%A', { cookie })).status).toBe(507);
    expect((await ask(port, '/uploads/a.txt', { cookie })).status).toBe(405);
    expect(fs.readdirSync(path.join(home, 'uploads'))).toHaveLength(6);
  });

  it('refuses an address that other machines reach, unless that is asked for, and a port that is taken', async () => {
    await expect(serve('0.0.0.0')).rejects.toThrow(UsageError);
    await expect(serve('0.0.0.0')).rejects.toThrow(/0\.0\.0\.0 is reachable from other machines/);
    const all = await serve('0.0.0.0', true);
    // By the name that is printed, and by those of this machine.
    expect(all.url.hostname).not.toBe('0.0.0.0');
    for (const host of [os.hostname(), all.url.hostname])
      expect((await ask(all.port, '/', { cookie: all.cookie, host: `${host}:${all.port}` })).status).toBe(200);
    expect((await ask(all.port, '/', { cookie: all.cookie, host: 'evil.example' })).status).toBe(403);
    const { port } = await serve();
    await expect(serve('127.0.0.1', false, port)).rejects.toThrow(UserError);
    await expect(serve('127.0.0.1', false, port)).rejects.toThrow(/the port is in use/);
  });
});

it('tells a loss that overflowed as what it is: null would mean that nothing was measured', async () => {
  const { port, cookie, studio } = await serve();
  const { store } = studio;
  const config = {
    model: { vocabSize: 257, contextLength: 64, nLayer: 1, nHead: 2, nEmbd: 64 },
    dataset: 'none',
    tokenizer: 'bytes',
    batch: 8,
    tokensPerStep: 512,
    phases: [{ kind: 'constant', steps: 1, from: 1e-3, to: 1e-3 }],
  };
  const id = store.runs.create({ name: 'overflowed', config: parseRunConfig(config), device: 'cpu' }).id;
  const writer = store.metrics.writer(id, { maxRows: 10 });
  writer.add({ step: 1, time: 1, tokensSeen: 1, loss: Infinity });
  writer.close();
  const ws = new WebSocket(`ws://127.0.0.1:${port}/api`, { headers: { cookie } });
  await once(ws, 'open');
  onTestFinished(() => ws.terminate());
  const websocket = ws as unknown as globalThis.WebSocket;
  const api: ContractRouterClient<Contract> = createORPCClient(
    new RPCLink({ websocket, customJsonSerializers: serializers }),
  );
  const [run] = await api.runs.list({});
  expect(run!.lastLoss).toBe(Infinity);
});

it('answers others while one window has a matrix planned', async () => {
  const { port, cookie } = await serve();
  const connect = async (): Promise<ContractRouterClient<Contract>> => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/api`, { headers: { cookie } });
    await once(ws, 'open');
    onTestFinished(() => ws.terminate());
    return createORPCClient(new RPCLink({ websocket: ws as unknown as globalThis.WebSocket }));
  };
  const [busy, other] = [await connect(), await connect()];
  const model = { vocabSize: 257, contextLength: 64, nLayer: 24, nHead: 2, nEmbd: 64, dropout: 0 };
  const config = { model, batch: 4, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
  const order: string[] = [];
  const matrix = busy.fit.matrix({ config, budget: { kind: 'machine' } }).then(() => order.push('matrix'));
  // Asked later, and not held up.
  for (let i = 0; i < 10; i++) await other.studio.settings().then(() => order.push('settings'));
  await matrix;
  expect(order.at(-1)).toBe('matrix');
});

describe('who comes by a link', () => {
  const visit = { accept: 'text/html' };

  it('that was clicked on another site is let in from a page of the studio: strict cookies do not follow redirects from there', async () => {
    const { url, port, cookie } = await serve();
    const there = { ...visit, 'sec-fetch-site': 'cross-site' };
    const first = await ask(port, url.pathname + url.search, there);
    expect(first.status).toBe(200);
    expect(first.headers['set-cookie']![0]).toMatch(/SameSite=Strict/);
    expect(first.body).toContain('<meta http-equiv="refresh" content="0;url=/">');
    // Without its token, a browser that was let in before comes the same way; one that was not is asked.
    expect((await ask(port, '/', there)).body).toContain('http-equiv="refresh"');
    const asked = await ask(port, '/', { ...visit, 'sec-fetch-site': 'same-origin' });
    expect(asked).toMatchObject({ status: 401, body: expect.stringContaining('Paste the token from the terminal.') });
    expect(asked.headers['content-security-policy']).toMatch(/^default-src 'none'.*form-action 'self'/);
    expect((await ask(port, '/', { ...visit, cookie })).body).toBe('<p>studio</p>');
  });

  it('may paste the token or the whole link; a wrong one is told so', async () => {
    const { url, port, token } = await serve();
    for (const pasted of [token, ` ${token} `, url.href]) {
      const answer = await ask(port, `/?token=${encodeURIComponent(pasted)}`, visit);
      expect([answer.status, answer.headers.location]).toEqual([303, '/']);
    }
    const wrong = await ask(port, '/?token=old', visit);
    expect(wrong).toMatchObject({ status: 401, body: expect.stringContaining('That token is not valid') });
    expect(wrong.headers['set-cookie']).toBeUndefined();
    expect(await ask(port, '/?token=old', {})).toMatchObject({ status: 401, body: expect.stringMatching(/^Sign in:/) });
    for (const from of ['cross-site', 'none']) {
      const answer = await ask(port, `//evil.example/?token=${token}`, { ...visit, 'sec-fetch-site': from });
      expect(`${answer.headers.location} ${answer.body}`).not.toContain('//evil');
    }
  });
});
