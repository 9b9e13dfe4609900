import { type ChildProcess, fork } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { packageFile } from '../../electron/base/paths.ts';
import { chromiumPath, goTo } from '../e2e/browser.ts';
import { tempDir } from '../temp.ts';

const main = packageFile('dist/electron/main.js');
export const hasApplication = chromiumPath !== undefined && fs.existsSync(main);

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });

/** What the application has told the system. */
export interface Reported {
  readonly windows: { webPreferences: Record<string, unknown>; backgroundColor: string; width: number; x?: number }[];
  readonly menu: {
    label?: string;
    role?: string;
    submenu?: { label?: string; accelerator?: string; enabled?: boolean }[];
  }[];
  readonly questions: { message: string; detail?: string; buttons: string[] }[];
  readonly protocols: string[];
  readonly tray?: { tooltip: string; menu: { label?: string; enabled?: boolean }[]; sizes: number[] };
  readonly reloads: number;
  readonly ended: number;
  readonly notifications: { title: string }[];
  readonly opened: string[];
  readonly progress: number[];
  readonly blockers: number;
  readonly sandboxed: boolean;
  readonly permissions: Record<string, boolean>;
  readonly visible: boolean;
  readonly started: { readonly entry: string; readonly pid: number }[];
}

export interface Application {
  readonly home: string;
  readonly child: ChildProcess;
  readonly page: Page;
  readonly exited: Promise<number | null>;
  ask<T = unknown>(request: Record<string, unknown>): Promise<T>;
}

/** The built application, on the stand-in for Electron. */
export async function startApplication({
  home = tempDir(),
  userData = tempDir(),
  picked = [] as string[],
  args = [] as string[],
  hasTray = true,
} = {}): Promise<Application> {
  const port = await freePort();
  // For the browser's profile, in which the browser still writes when its parent is killed.
  const temporary = tempDir();
  onTestFinished(() => endAll(temporary));
  const hook = pathToFileURL(path.join(import.meta.dirname, 'standIn/hook.mjs')).href;
  const child = fork(main, args, {
    execArgv: ['--import', hook],
    env: {
      ...process.env,
      CHROMIUM: chromiumPath,
      DEBUG_PORT: String(port),
      TRAINYARD_HOME: home,
      USER_DATA: userData,
      TMPDIR: temporary,
      PICKED: JSON.stringify(picked),
      ...(hasTray ? {} : { NO_TRAY: '1' }),
    },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  let next = 0;
  const ask = <T>(request: Record<string, unknown>): Promise<T> =>
    new Promise((resolve) => {
      const id = ++next;
      const listen = (answer: { id: number; result: T }) => {
        if (answer.id !== id) return;
        child.off('message', listen);
        resolve(answer.result);
      };
      child.on('message', listen);
      child.send({ ...request, id });
    });
  const page = await openedPage(port);
  return { home, child, page, exited, ask };
}

/** Ends the processes that were started with a path, and waits until they are gone. Where there is no /proc, nothing. */
async function endAll(named: string): Promise<void> {
  const isNamed = (pid: string): boolean => {
    try {
      return fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(named);
    } catch {
      return false;
    }
  };
  for (let tries = 0; tries < 500 && fs.existsSync('/proc'); tries++) {
    const left = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isNamed(name));
    if (left.length === 0) return;
    for (const pid of left) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It had just ended.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function openedPage(port: number): Promise<Page> {
  for (let tries = 0; ; tries++) {
    try {
      const browser = await chromium.connectOverCDP(`http://127.0.0.1:${port}`);
      onTestFinished(() => browser.close());
      const page = browser
        .contexts()
        .flatMap((c) => c.pages())
        .find((p) => p.url().startsWith('https://app.studio'));
      if (page) {
        page.setDefaultTimeout(60_000);
        return page;
      }
      await browser.close();
    } catch (error) {
      if (tries > 500) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

export const stateOf = (page: Page) => page.locator('main .state').first().textContent();

/** The application, with a run in training that was started on its page. */
export async function startTraining(places: { home?: string; userData?: string } = {}): Promise<Application> {
  const file = path.join(tempDir(), 'text.txt');
  fs.writeFileSync(file, 'a rolling stone gathers no moss. '.repeat(400));
  const application = await startApplication({ ...places, picked: [file] });
  const { page } = application;
  await goTo(page, 'new', 'New run');
  await page.getByRole('button', { name: /^nano/ }).click();
  await page.getByRole('button', { name: 'Browse…' }).click();
  await expect
    .poll(() =>
      page
        .getByRole('combobox', { name: /^Dataset/ })
        .first()
        .inputValue(),
    )
    .toMatch(/^text-bytes-/);
  await page.getByRole('button', { name: 'Start training' }).click();
  await expect.poll(() => stateOf(page)).toContain('training');
  return application;
}
