import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startServer } from '../../electron/api/transports/server.ts';
import { packageFile } from '../../electron/base/paths.ts';
import { cutOff, expectErrors, goTo, hasBrowser, openStudio } from './browser.ts';
import { lack, where } from '../frame/needs.ts';

const heading = 'h1';

/** A page of another site that has a link. @returns its address */
async function pageWithLink(link: string): Promise<string> {
  const server = http.createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html' });
    response.end(`<link rel="icon" href="data:,"><a href="${link}">the studio</a>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://localhost:${(server.address() as AddressInfo).port}/`;
}

where(describe, [hasBrowser, lack.browser])('the link', () => {
  it('opens the studio when it is clicked on a page of another site, with its token and later without', async () => {
    const { open, link } = await openStudio();
    const page = await open();
    await page.context().clearCookies();
    await page.goto(await pageWithLink(link));
    await page.getByText('the studio').click();
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
    expect(page.url()).not.toContain('token');
    await page.goto(await pageWithLink(new URL('/', link).href));
    await page.getByText('the studio').click();
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();
  });

  it('or its token may be pasted, by who comes without it and in a window whose studio was restarted', async () => {
    const { open, link, studio, close } = await openStudio();
    const page = await open();
    expectErrors(page, /401/, ...cutOff);
    await page.context().clearCookies();
    await page.goto(new URL('/', link).href);
    await page.locator(heading).getByText('Sign in').waitFor();
    // Of a whole terminal's text the address would be too long.
    expect(await page.getByLabel('Token').getAttribute('maxlength')).toBe('1000');
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('That token is not valid').waitFor();
    await page.getByLabel('Token').fill(link);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { level: 1, name: 'Runs' }).waitFor();

    await goTo(page, 'settings', 'Settings');
    const { home } = studio;
    await close();
    await page
      .getByRole('status')
      .filter({ hasText: /Connection lost|can’t be reached/ })
      .first()
      .waitFor();
    const { Studio } = await import('../../electron/studio/studio.ts');
    const again = Studio.open(home);
    const port = Number(new URL(link).port);
    const pages = packageFile('dist/renderer');
    const server = await startServer({ context: { studio: again }, pages, host: '127.0.0.1', port });
    onTestFinished(async () => {
      await server.close();
      again.close();
    });
    await page.getByText('Trainyard was restarted.').waitFor();
    await page.getByLabel('Token or link').fill(server.link);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Trainyard was restarted.').waitFor({ state: 'detached' });
    await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor();
  });
});
