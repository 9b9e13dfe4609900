import { describe, expect, it } from 'vitest';
import { goTo } from '../e2e/browser.ts';
import { lack, where } from '../frame/needs.ts';
import {
  type Application,
  hasApplication,
  type Reported,
  startApplication,
  startTraining,
  stateOf,
} from './application.ts';

const reported = ({ ask }: Application) => ask<Reported>({ ask: 'reported' });
const labels = async (application: Application) => (await reported(application)).tray!.menu.map((item) => item.label);

where(describe, [hasApplication, lack.browser])('the icon in the system’s tray', () => {
  it('says how far training is, and pauses and resumes it', async () => {
    const application = await startTraining();
    const { page, ask } = application;
    const name = (await page.getByRole('heading', { level: 1 }).textContent())!.trim();
    await expect.poll(async () => (await labels(application))[0]).toMatch(/: \d+ %(, .+ left)?$/);
    const { tray } = await reported(application);
    expect(tray!.sizes).toEqual(process.platform === 'linux' ? [24, 48] : [16, 32]);
    expect((await labels(application))[0]!.split(':')[0]).toBe(name);
    expect((await reported(application)).tray!.tooltip).toMatch(/: \d+ %/);
    expect((await labels(application)).slice(1)).toEqual([
      undefined,
      'Pause',
      'Show Window',
      undefined,
      'Quit Trainyard',
    ]);

    // Its line leads to its page.
    await goTo(page, 'memory', 'Memory');
    await ask({ ask: 'tray', label: (await labels(application))[0] });
    await page.getByRole('heading', { level: 1, name }).waitFor();

    await ask({ ask: 'tray', label: 'Pause' });
    await expect.poll(() => stateOf(page)).toContain('paused');
    await expect
      .poll(() => labels(application))
      .toEqual(['Nothing is training', undefined, 'Resume', 'Show Window', undefined, 'Quit Trainyard']);
    expect((await reported(application)).tray!.tooltip).toBe('Trainyard');
    await ask({ ask: 'tray', label: 'Resume' });
    await expect.poll(() => stateOf(page)).toContain('training');
    await expect.poll(() => labels(application)).not.toContain('Resume');

    // What is paused on its page is not the tray's to resume.
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await expect.poll(() => stateOf(page)).toContain('paused');
    await expect.poll(async () => (await labels(application))[0]).toBe('Nothing is training');
    expect(await labels(application)).not.toContain('Resume');
    await ask({ ask: 'tray', label: 'Quit Trainyard' });
    expect(await application.exited).toBe(0);
  });

  it('shows a hidden window, and asks in it before it quits', async () => {
    const application = await startTraining();
    const { ask, exited } = application;
    await expect.poll(async () => (await reported(application)).blockers).toBe(1);
    await ask({ ask: 'close', answer: 0 }); // background
    await expect.poll(async () => (await reported(application)).visible).toBe(false);
    await ask({ ask: 'tray' });
    expect((await reported(application)).visible).toBe(true);

    await ask({ ask: 'close', answer: 0 });
    await expect.poll(async () => (await reported(application)).visible).toBe(false);
    await ask({ ask: 'tray', label: 'Quit Trainyard', answer: 2 }); // cancel
    await expect.poll(async () => (await reported(application)).questions.length).toBe(3);
    expect((await reported(application)).visible).toBe(true);
    await ask({ ask: 'tray', label: 'Quit Trainyard', answer: 1 }); // save and stop
    expect(await exited).toBe(0);
  });

  it('may be missing: all else works', async () => {
    const application = await startApplication({ hasTray: false });
    await goTo(application.page, 'runs', 'Runs');
    expect((await reported(application)).tray).toBeUndefined();
    await application.ask({ ask: 'menu', label: 'Memory' });
    await application.page.getByRole('heading', { level: 1, name: 'Memory' }).waitFor();
    await application.ask({ ask: 'close', answer: 2 });
    expect(await application.exited).toBe(0);
  });
});
