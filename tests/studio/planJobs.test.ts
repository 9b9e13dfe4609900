import { describe, expect, it, onTestFinished } from 'vitest';
import { sizedBudget } from '../../electron/studio/budget.ts';
import { JobEnded } from '../../electron/studio/jobs/kind.ts';
import { type LongPlan, Planner } from '../../electron/studio/planning/planner.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { runCli, startCli } from '../cli/run.ts';
import { tempDir } from '../temp.ts';

const model = { vocabSize: 257, contextLength: 64, nLayer: 24, nHead: 2, nEmbd: 64, dropout: 0 };
const config = { model, batch: 4, precision: 'f32', recompute: 'none', optimizer: 'adamw' } as const;
const budget = sizedBudget('GPU', 2 ** 20, 0);
/** Of thousands of calls: one that nobody waits for to its end. */
const endless = { config: { ...config, model: { ...model, nLayer: 400 } }, budget };

/** A studio that serves windows, whose answers are long ones after this time. */
function serving(afterMs: number): Studio {
  const studio = Studio.open(tempDir());
  onTestFinished(() => studio.shutdown());
  studio.planner.moveApart();
  studio.recordPlans(afterMs);
  return studio;
}

const running = async (studio: Studio) => {
  const found = () => studio.jobs.list().find((job) => job.kind === 'plan' && job.state === 'running');
  await expect.poll(found, { interval: 10 }).toBeDefined();
  return found()!;
};

describe('a plan that takes long', () => {
  it('is a job until it is answered; a quick one is none', async () => {
    const quick = serving(2 ** 30);
    await quick.planner.ask('plan', { config, budget });
    expect(quick.jobs.list()).toEqual([]);
    const studio = serving(0);
    const asked = studio.planner.ask('matrix', { config, budget });
    expect((await running(studio)).title).toBe('Plan the memory of a model of 1.22M parameters with all settings');
    expect((await asked).rows.length).toBeGreaterThan(0);
    // Who has the answer has no use for how it came about.
    await expect.poll(() => studio.jobs.list()).toEqual([]);
  });

  it('is cancelled by whoever sees it', async () => {
    const studio = serving(0);
    const answer = studio.planner.ask('matrix', endless);
    const refused = expect(answer).rejects.toThrow('The plan was cancelled among the jobs: ask again for it.');
    const { id } = await running(studio);
    studio.jobs.cancel(id);
    await refused;
    await expect.poll(() => studio.jobs.get(id)).toMatchObject({ state: 'cancelled', message: 'cancelled' });
    expect((await studio.planner.ask('plan', { config, budget })).parameters).toBeGreaterThan(0);
  });

  it('is superseded when its window asks something else', async () => {
    const studio = serving(0);
    const controller = new AbortController();
    const refused = expect(studio.planner.ask('matrix', endless, controller.signal)).rejects.toThrow(/abort/i);
    const { id } = await running(studio);
    controller.abort();
    await refused;
    await expect.poll(() => studio.jobs.list().map((job) => job.id)).not.toContain(id);
  });

  it('is reported once, with what ends it', async () => {
    const planner = new Planner();
    onTestFinished(() => planner.close());
    planner.moveApart();
    const reported: LongPlan[] = [];
    planner.recordLong((plan) => reported.push(plan), 0);
    const refused = expect(planner.ask('matrix', endless)).rejects.toThrow('was cancelled');
    await expect.poll(() => reported).toMatchObject([{ kind: 'matrix', input: endless }]);
    reported[0]!.controller.abort(new JobEnded('enough'));
    await refused;
  });

  it('of a command is a job that windows cancel', async () => {
    const studio = Studio.open(tempDir());
    onTestFinished(() => studio.close());
    const command = ['--home', studio.home, 'fit', '--matrix'];
    const planning = startCli([...command, '--layers', '400']);
    const { id, title, pid } = await running(studio);
    expect([title, pid]).toEqual([expect.stringMatching(/^Plan the memory of a model of/), planning.child.pid]);
    studio.jobs.cancel(id);
    expect((await planning.result).code).toBe(130);
    expect(studio.jobs.get(id).state).toBe('cancelled');
    // Where there is no home, none is made for it.
    expect(
      await runCli(['--home', `${studio.home}/none`, 'fit', '--matrix', '--preset', 'nano', '--json']),
    ).toMatchObject({ code: 0 });
  });
});
