import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pageHeaders } from './headers.ts';

const style = `:root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}body{max-width:32rem;margin:12vh auto;padding:0 1rem}
input,button{font:inherit;padding:.4rem .6rem}input{width:100%;box-sizing:border-box;margin:.2rem 0 .8rem}`;

const policy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const wholePage = (head: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Trainyard</title>${head}</head><body>${body}</body></html>\n`;

function send(response: ServerResponse, status: number, html: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, {
    ...pageHeaders,
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Content-Security-Policy': policy,
    ...headers,
  });
  response.end(html);
}

/** Whether a browser opens a page by itself, rather than a program or a script asking for something. */
export const isVisit = ({ method, headers }: IncomingMessage): boolean =>
  method === 'GET' && (headers.accept ?? '').includes('text/html');

/** Whether a link was clicked on a page of another site, as of a chat or of mail: strict cookies don't come along then. */
export const isFromElsewhere = ({ headers }: IncomingMessage): boolean => headers['sec-fetch-site'] === 'cross-site';

/**
 * Opens the studio from a page of its own, so that its cookie comes along: that of a link is not sent with the first visit,
 * nor behind a redirect of it, where the link was clicked elsewhere.
 */
export function enterFromHere(response: ServerResponse, to: string, headers: Record<string, string> = {}): void {
  const url = to.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  const refresh = `<meta http-equiv="refresh" content="0;url=${url}">`;
  send(response, 200, wholePage(refresh, `<p><a href="${url}">Open Trainyard</a></p>`), headers);
}

/**
 * Asks for the token. What is pasted travels in the address: of a whole terminal's text the server would not take it.
 * @param wrong whether one was given that is not it
 */
export function askForToken(response: ServerResponse, wrong: boolean): void {
  const said = wrong
    ? '<p role="alert">That token is not valid: it changes whenever Trainyard starts. Copy it again from the terminal.</p>'
    : '';
  const form = `<form action="/" method="get"><label>Token, or the whole link<input name="token" required maxlength="1000" autofocus autocomplete="off" spellcheck="false"></label><button>Sign in</button></form>`;
  send(
    response,
    401,
    wholePage(
      `<style>${style}</style>`,
      `<main><h1>Sign in</h1><p>Paste the token from the terminal.</p>${said}${form}</main>`,
    ),
  );
}

/** The token of what somebody pastes: it alone, or the link that it stands in. */
export function pastedToken(text: string): string {
  const [, inLink] = /[?&]token=([\w-]+)/.exec(text) ?? [];
  return inLink ?? text.trim();
}
