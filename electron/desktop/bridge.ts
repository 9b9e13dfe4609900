import { ipcMain, type MessagePortMain } from 'electron';
import { isOurs } from './security.ts';

/** The one message that a page sends by itself: it brings the port over which the API is spoken. */
export const connectChannel = 'connect';

/** Hands the port of every page of the studio that asks for it on. */
export function bridge(connect: (port: MessagePortMain) => void): void {
  ipcMain.on(connectChannel, ({ senderFrame, ports }) => {
    const [port, ...others] = ports;
    if (!port || others.length > 0 || !isOurs(senderFrame?.url)) {
      for (const each of ports) each.close();
      return;
    }
    connect(port);
  });
}
