import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { logFile } from '../../electron/base/log.ts';
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

where(describe, [hasApplication, lack.browser])('a page that dies or hangs', () => {
  it('is loaded again where it was, while training goes on; after several crashes it is asked for', async () => {
    const application = await startTraining();
    const { page, ask, home, exited } = application;
    const engines = async () => (await reported(application)).started.length;
    const before = await engines();
    await ask({ ask: 'gone', reason: 'clean-exit' });
    expect((await reported(application)).reloads).toBe(0);
    for (const [i, reason] of ['crashed', 'oom', 'killed'].entries()) {
      await ask({ ask: 'gone', reason });
      expect((await reported(application)).reloads).toBe(i + 1);
      // The same run's page.
      await expect.poll(() => stateOf(page).catch(() => '')).toContain('training');
    }
    const log = fs.readFileSync(logFile(home), 'utf8');
    for (const reason of ['crashed', 'oom', 'killed']) expect(log).toContain(`The page of the window ended: ${reason}`);
    expect(log).not.toContain('clean-exit');
    expect((await reported(application)).questions).toEqual([]);

    await ask({ ask: 'gone', reason: 'oom', answer: -1 });
    const { questions, reloads } = await reported(application);
    expect([reloads, questions.length]).toEqual([3, 1]);
    expect(questions[0]).toMatchObject({ buttons: ['Reload', 'Close window'] });
    expect(questions[0]!.message).toContain('crashed 4 times');
    expect(questions[0]!.detail).toMatch(/Training is not affected.*out of memory.*trainyard\.log/);
    await ask({ ask: 'answer', answer: 0 });
    await expect.poll(async () => (await reported(application)).reloads).toBe(4);
    await expect.poll(() => stateOf(page).catch(() => '')).toContain('training');
    // It counts from the start again.
    await ask({ ask: 'gone', reason: 'crashed' });
    expect((await reported(application)).reloads).toBe(5);
    // No engine and no studio was started anew.
    expect(await engines()).toBe(before);
    await ask({ ask: 'close', answer: 1 });
    expect(await exited).toBe(0);
  });

  it('is waited for, or given another process', async () => {
    const application = await startApplication();
    const { page, ask, home } = application;
    await goTo(page, 'memory', 'Memory');
    // It answers again: the question goes.
    await ask({ ask: 'hangs' });
    await ask({ ask: 'hangs' });
    expect((await reported(application)).questions).toMatchObject([{ buttons: ['Wait', 'Reload'] }]);
    await ask({ ask: 'respondsAgain' });
    // It hangs again, and is waited for.
    await ask({ ask: 'hangs' });
    expect((await reported(application)).questions.length).toBe(2);
    await ask({ ask: 'answer', answer: 0 });
    expect(await reported(application)).toMatchObject({ reloads: 0, ended: 0 });
    await ask({ ask: 'hangs' });
    await ask({ ask: 'answer', answer: 1 });
    await expect.poll(async () => (await reported(application)).ended).toBe(1);
    await page.getByRole('heading', { level: 1, name: 'Memory' }).waitFor();
    // Its end was wanted: it is no crash.
    expect((await reported(application)).reloads).toBe(1);
    const log = fs.readFileSync(logFile(home), 'utf8');
    expect(log).toContain('did not respond');
    expect(log).not.toContain('The page of the window ended');
    await ask({ ask: 'gone', reason: 'crashed' });
    expect((await reported(application)).reloads).toBe(2);
  });
});
