/** A studio that is served in a process of its own, as people have it, and windows on it. */
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { Contract } from '../../electron/api/contract.ts';
import { packageFile } from '../../electron/base/paths.ts';

export type Api = ContractRouterClient<Contract>;

export interface ServedHome {
  readonly link: URL;
  stop(): Promise<void>;
}

/** Serves a home until it is stopped. @param env beside this process's own */
export async function serve(home: string, env: Readonly<Record<string, string>> = {}): Promise<ServedHome> {
  const args = [packageFile('electron/cli.ts'), 'serve', '--port', '0', '--home', home];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  let said = '';
  const link = await new Promise<URL>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      const [found] = /http:\S+/.exec(said) ?? [];
      if (found) resolve(new URL(found));
    });
    child.once('exit', () => reject(new Error(`the studio ended: ${said}`)));
  });
  return {
    link,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** A window: its connection, and its cookie. */
export interface Window {
  readonly api: Api;
  readonly cookie: string;
  close(): void;
}

export async function openWindow(link: URL): Promise<Window> {
  const given = await fetch(link, { redirect: 'manual' });
  const cookie = given.headers.getSetCookie()[0]!.split(';')[0]!;
  const socket = new WebSocket(`ws://${link.host}/api`, { headers: { cookie } });
  await once(socket, 'open');
  const api: Api = createORPCClient(new RPCLink({ websocket: socket as unknown as globalThis.WebSocket }));
  return { api, cookie, close: () => socket.close() };
}

/** Waits for a job as a window does that follows it. @throws Error when it does not end as it should */
export async function finished(api: Api, id: number): Promise<void> {
  for await (const job of await api.jobs.watch({ id }))
    if (job.endedAt !== null && job.state !== 'done') throw new Error(`${job.title}: ${job.state}, ${job.message}`);
}
