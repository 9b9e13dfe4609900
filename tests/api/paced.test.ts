import { expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { paced } from '../../electron/api/transports/paced.ts';

it('a message is sent when it has left, not when it is handed over', async () => {
  const leaving: (() => void)[] = [];
  const socket = { send: (_: unknown, left: () => void) => void leaving.push(left), addEventListener() {} };
  const { send } = paced(socket as unknown as WebSocket);
  let sent = false;
  const sending = (send as (data: string) => unknown as (data: string) => Promise<void>)('news').then(
    () => (sent = true),
  );
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect([leaving.length, sent]).toEqual([1, false]);
  leaving[0]!();
  await sending;
  expect(sent).toBe(true);
});
