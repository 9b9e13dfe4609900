import { describe, expect, it } from 'vitest';
import { Studio } from '../../electron/studio/studio.ts';
import { goTo } from '../e2e/browser.ts';
import { isRunning } from '../cli/processes.ts';
import { tempDir } from '../temp.ts';
import { hasApplication, type Reported, startApplication, startTraining, stateOf } from './application.ts';
import { lack, posix, where } from '../frame/needs.ts';

where(describe, [hasApplication, lack.browser])(
  'the desktop application, on a stand-in for Electron over a real Chromium',
  () => {
    it('shows the studio over its own scheme and port, with everything locked that can be', async () => {
      const { page, ask } = await startApplication();
      await goTo(page, 'runs', 'Runs');
      await page.getByText('No runs yet').waitFor();
      const { windows, sandboxed, permissions, visible } = await ask<Reported>({ ask: 'reported' });
      expect(windows[0]!.webPreferences).toMatchObject({
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
      });
      expect([sandboxed, visible, windows[0]!.backgroundColor]).toEqual([true, true, '#14171b']);
      expect(permissions).toEqual({ request: false, check: false, device: false });
      // Nowhere else, and out of the window only by https.
      expect(await ask({ ask: 'navigate', url: 'https://example.com/' })).toBe(true);
      expect(await ask({ ask: 'navigate', url: 'app://studio.evil/' })).toBe(true);
      expect(await ask({ ask: 'navigate', url: 'app://studio/index.html' })).toBe(false);
      for (const url of ['https://example.com/', 'http://example.com/', 'file:///etc/passwd', 'javascript:alert(1)'])
        expect(await ask({ ask: 'open', url })).toBe('deny');
      expect((await ask<Reported>({ ask: 'reported' })).opened).toEqual(['https://example.com/']);
      // Nobody else gets a port to the studio.
      expect(await ask({ ask: 'connectFrom', url: 'https://example.com/' })).toBe(true);
      expect(await ask({ ask: 'connectFrom', url: 'app://studio/' })).toBe(false);
      const csp = await page.evaluate(`fetch('/').then((r) => r.headers.get('content-security-policy'))`);
      expect(csp).toMatch(/^default-src 'none'/);
      for (const at of ['/nothing.js', '/../package.json', '/%2e%2e/package.json'])
        expect(await page.evaluate(`fetch(${JSON.stringify(at)}).then((r) => r.status)`), at).toBe(404);
    });

    it('has a menu that goes to every page, by keys too', async () => {
      const { page, ask } = await startApplication();
      await goTo(page, 'runs', 'Runs');
      const { menu } = await ask<Reported>({ ask: 'reported' });
      expect(menu.map((m) => m.label ?? m.role)).toEqual(['File', 'editMenu', 'View', 'Run', 'windowMenu', 'help']);
      for (const [label, heading] of [
        ['Memory', 'Memory'],
        ['New Run', 'New run'],
        ['Settings', 'Settings'],
      ] as const) {
        await ask({ ask: 'menu', label });
        await page.getByRole('heading', { level: 1, name: heading }).waitFor();
      }
    });

    it('trains in a utility process, keeps the system awake, and asks before it closes', async () => {
      const { page, ask, exited } = await startTraining();
      await expect.poll(async () => (await ask<Reported>({ ask: 'reported' })).progress.some((p) => p > 0)).toBe(true);
      expect((await ask<Reported>({ ask: 'reported' })).blockers).toBe(1);

      // The menu does what the page can do, and nothing else.
      const inMenu = async (label: string) => {
        const { menu } = await ask<Reported>({ ask: 'reported' });
        return menu.find((m) => m.label === 'Run')!.submenu!.find((i) => i.label === label)!.enabled;
      };
      await expect.poll(() => inMenu('Pause')).toBe(true);
      expect(await inMenu('Resume')).toBe(false);
      await ask({ ask: 'menu', label: 'Pause' });
      await expect.poll(() => stateOf(page)).toContain('paused');
      await expect.poll(() => inMenu('Resume')).toBe(true);
      await ask({ ask: 'menu', label: 'Resume' });
      await expect.poll(() => stateOf(page)).toContain('training');

      await ask({ ask: 'close', answer: 2 }); // cancel
      expect(await ask<Reported>({ ask: 'reported' })).toMatchObject({
        visible: true,
        questions: [{ buttons: ['Keep training in the background', 'Pause and quit', 'Cancel'] }],
      });
      await ask({ ask: 'close', answer: 0 }); // background
      await expect.poll(async () => (await ask<Reported>({ ask: 'reported' })).visible).toBe(false);
      await ask({ ask: 'activate' });
      await expect.poll(async () => (await ask<Reported>({ ask: 'reported' })).visible).toBe(true);
      expect(await stateOf(page)).toContain('training');
      await ask({ ask: 'close', answer: 1 }); // save and stop
      expect(await exited).toBe(0);
    });

    it('starts its studio again when that dies: its window finds it, and training goes on', async () => {
      const { page, ask, exited } = await startTraining();
      const started = async (entry: string) =>
        (await ask<Reported>({ ask: 'reported' })).started.filter((s) => s.entry === entry).map(({ pid }) => pid);
      await page.getByRole('tab', { name: 'Log' }).click();
      const [studio] = await started('studio.js');
      const engines = (await started('engine.js')).length;
      process.kill(studio!, 'SIGKILL');
      await expect.poll(async () => (await started('studio.js')).length).toBe(2);
      await expect.poll(async () => (await started('engine.js')).length).toBeGreaterThan(engines);
      await expect.poll(() => stateOf(page)).toContain('training');
      // The one that trained is gone: no two write the same checkpoints.
      for (const pid of (await started('engine.js')).slice(0, engines))
        await expect.poll(() => isRunning(pid)).toBe(false);
      // What the menu needs goes on, too: it is heard as soon as the run trains again.
      const pause = async () => {
        await ask({ ask: 'menu', label: 'Pause' });
        return stateOf(page);
      };
      await expect.poll(pause, { interval: 500 }).toContain('paused');
      await expect.poll(async () => (await ask<Reported>({ ask: 'reported' })).blockers).toBe(0);
      await ask({ ask: 'close', answer: 2 });
      expect(await exited).toBe(0);
    });

    where(it, posix)('saves what trains and ends, unasked, at a signal and at the end of the session', async () => {
      const [home, userData] = [tempDir(), tempDir()];
      const first = await startTraining({ home, userData });
      const saved = () => {
        const studio = Studio.look(home);
        try {
          const [run] = studio.store.runs.list();
          return { ...run!, checkpoint: studio.store.checkpoints.list(run!.id).at(-1)?.step };
        } finally {
          studio.close();
        }
      };
      first.child.kill('SIGTERM');
      expect(await first.exited).toBe(0);
      const before = saved();
      expect(before).toMatchObject({ state: 'paused', checkpoint: before.step });

      for (const how of ['shutdown', 'sessionEnd']) {
        const { step } = saved();
        const { page, ask, exited } = await startApplication({ home, userData });
        await goTo(page, 'runs', 'Runs');
        await page.getByRole('link', { name: before.name }).first().click();
        await page.getByRole('button', { name: 'Resume', exact: true }).click();
        await expect.poll(() => stateOf(page)).toContain('training');
        // What prevents it is waited for.
        expect(await ask({ ask: how })).toBe(how === 'shutdown' ? true : undefined);
        expect(await exited, how).toBe(0);
        const after = saved();
        expect(after, how).toMatchObject({ state: 'paused', checkpoint: after.step });
        expect(after.step, how).toBeGreaterThanOrEqual(step);
      }
    });

    it('remembers where its window was', async () => {
      const [home, userData] = [tempDir(), tempDir()];
      const first = await startApplication({ home, userData });
      await goTo(first.page, 'runs', 'Runs');
      await first.ask({ ask: 'close', answer: 2 });
      await first.exited;
      const second = await startApplication({ home, userData });
      expect((await second.ask<Reported>({ ask: 'reported' })).windows[0]).toMatchObject({
        x: 10,
        y: 20,
        width: 1200,
        height: 800,
      });
    });
  },
);
