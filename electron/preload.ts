/** Hands the page a port to the studio and the paths of files that are dropped on it, and nothing else. */
import { contextBridge, ipcRenderer, webUtils } from 'electron';

// The page's, which the rest of this folder, made for Node, has no types of.
declare const window: {
  postMessage(message: string, origin: string, transfer: InstanceType<typeof MessagePort>[]): void;
};
declare const location: { readonly origin: string };

contextBridge.exposeInMainWorld('trainyard', {
  /** Where a file lies that was dropped or chosen; empty for one that is no file of the disk. */
  pathOf: (file: Parameters<typeof webUtils.getPathForFile>[0]): string => webUtils.getPathForFile(file),
  connect(): void {
    const { port1, port2 } = new MessageChannel();
    ipcRenderer.postMessage('connect', null, [port1]);
    // A port does not pass the bridge between the two worlds: it is posted to the page's own window.
    window.postMessage('trainyard', location.origin, [port2]);
  },
});
