import { RPCHandler } from '@orpc/server/message-port';
import { ipcMain } from 'electron';
import type { ApiContext } from '../api/context.ts';
import { router } from '../api/router.ts';
import { serializers } from '../api/serializers.ts';
import { isOurs } from './security.ts';

/** The one message that a page sends by itself: it brings the port over which the API is spoken. */
export const connectChannel = 'connect';

/** Speaks the API with every page of the studio that asks for it. */
export function bridge(context: ApiContext): void {
  context.studio.planner.moveApart();
  context.studio.jobs.work();
  const handler = new RPCHandler(router, { customJsonSerializers: serializers });
  ipcMain.on(connectChannel, ({ senderFrame, ports }) => {
    const [port, ...others] = ports;
    if (!port || others.length > 0 || !isOurs(senderFrame?.url)) {
      for (const each of ports) each.close();
      return;
    }
    handler.upgrade(port, { context });
    port.start();
  });
}
