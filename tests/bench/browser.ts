/** A browser, and a page's own clock. */
import { chromium, type Browser, type Page } from 'playwright-core';

export const launch = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });

/**
 * From a click in the page to the frame in which something is there, milliseconds, by the page's own clock: what the way to the browser
 * takes is not counted.
 * @param click what is clicked, as CSS selects it
 * @param there an expression of the page that is true then
 */
export const timed = (page: Page, click: string, there: string): Promise<number> =>
  page.evaluate(`new Promise((resolve) => {
    const started = performance.now();
    document.querySelector(${JSON.stringify(click)}).click();
    const look = () => (${there})
      ? requestAnimationFrame(() => resolve(performance.now() - started)) : requestAnimationFrame(look);
    look();
  })`);

/** An expression that is true where something is, as CSS selects it. */
export const isThere = (selector: string): string => `document.querySelector(${JSON.stringify(selector)})`;

export const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1]!;
