import { app, session, shell } from 'electron';
import { origin } from './scheme.ts';

/** Whether a link may be opened in the system's browser. */
export const mayOpenOutside = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === 'https:';

/** Whether a message or a page is of the studio's own window. */
export const isOurs = (url: string | undefined): boolean =>
  url !== undefined && (url === origin || url.startsWith(`${origin}/`));

/** Whatever a page asks for besides its files is denied; where it wants to go is not gone to. */
export function secure(): void {
  app.on('web-contents-created', (_, contents) => {
    contents.on('will-navigate', (event) => {
      if (!isOurs(event.url)) event.preventDefault();
    });
    contents.on('will-redirect', (event) => event.preventDefault());
    contents.on('will-attach-webview', (event) => event.preventDefault());
    contents.setWindowOpenHandler(({ url }) => {
      if (mayOpenOutside(url)) void shell.openExternal(url);
      return { action: 'deny' };
    });
  });
  session.defaultSession.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  session.defaultSession.setPermissionCheckHandler(() => false);
  session.defaultSession.setDevicePermissionHandler(() => false);
}
