import { net, protocol } from 'electron';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { pageHeaders } from '../api/transports/headers.ts';

/** The page's own origin: unlike file://, it has one, and a policy that is sent with every file. */
export const origin = 'app://studio';

/** To be called before the application is ready. */
export function registerScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: 'app', privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true } },
  ]);
}

/** The file of a request, or undefined for one that is not of the page. */
export function fileOf(pages: string, url: string): string | undefined {
  const { protocol: scheme, host, pathname } = new URL(url);
  if (`${scheme}//${host}` !== origin) return undefined;
  const file = path.join(pages, decodeURIComponent(pathname === '/' ? '/index.html' : pathname));
  return file.startsWith(pages + path.sep) ? file : undefined;
}

/** Serves the page's files under app://studio. */
export function servePages(pages: string): void {
  protocol.handle('app', async (request) => {
    const file = fileOf(pages, request.url);
    if (file === undefined) return new Response('Page not found.', { status: 404 });
    const found = await net.fetch(pathToFileURL(file).href).catch(() => undefined);
    if (!found?.ok) return new Response('Page not found.', { status: 404 });
    const headers = new Headers(found.headers);
    for (const [name, value] of Object.entries(pageHeaders)) headers.set(name, value);
    return new Response(found.body, { headers });
  });
}
