import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gone, halt, hasPs, killTree } from './processes.ts';
import { jsonLines, runCli } from './run.ts';
import { endOf, outcome, remains, startUntil, uninterrupted, until, workplace } from './workplace.ts';
import { lack, where } from '../frame/needs.ts';

/** More by hand: TRAINYARD_KILLS=20. */
const kills = Number(process.env.TRAINYARD_KILLS ?? 5);
const steps = 24 * kills;
const long = { '--steps': steps, '--checkpoint-every': 5, '--eval-every': 20, '--sample-every': 30 };

where(describe, [hasPs, lack.ps])('a run that is killed', () => {
  it(`${kills} times at random moments comes to the same bits`, { timeout: 180_000 + kills * 30_000 }, async () => {
    const expected = await uninterrupted(long);
    expect(expected.steps).toHaveLength(steps);

    const { home, train, command } = workplace();
    // Between the start of the process and a stretch of steps later, now and then while a checkpoint is written.
    const moment = fc.record({ steps: fc.integer({ min: -1, max: 30 }), ms: fc.integer({ min: 0, max: 30 }) });
    const [moments] = fc.sample(fc.array(moment, { minLength: kills, maxLength: kills }), { numRuns: 1 });
    let args = train(long);
    let at = 0;
    const killedAt: number[] = [];
    for (const next of moments!) {
      // Never in the last steps: a run that has ended can't be killed any more.
      const running = await startUntil(args, Math.min(at + 1 + next.steps, steps - 10));
      await new Promise((resolve) => setTimeout(resolve, next.ms));
      await killTree(running.child.pid!);
      const { signal, stderr } = await running.result;
      // It had ended in the moment before.
      if (/is already finished/.test(stderr)) break;
      expect(stderr).toBe('');
      const { run, metrics } = remains(home);
      args = command('resume', run.id, '--json');
      if (signal === null) break;
      at = metrics.at(-1)?.step ?? 0;
      killedAt.push(at);
    }
    const { code, stderr } = await runCli(args);
    const where = `killed after the steps ${killedAt.join(', ')}`;
    if (stderr !== '') expect(stderr, where).toMatch(/is already finished/);
    else expect(code, where).toBe(0);
    expect(outcome(remains(home)), where).toEqual(expected);
  });

  it('with its studio stalled for a while has no gap in its record', async () => {
    const changed = { '--steps': 40, '--checkpoint-every': 2, '--sample-tokens': 0, '--tokens-per-step': 6400 };
    const expected = await uninterrupted(changed);
    const { home, train, command } = workplace();
    const running = await startUntil(train(changed), 4);
    const engine = halt(running.child.pid!);
    // The engine goes on by itself until it needs the studio.
    const { root, folders } = remains(home);
    const start = Date.now();
    await until(() => !fs.readdirSync(root).some((f) => folders.includes(f)) || Date.now() - start > 400);
    await killTree(running.child.pid!);
    await gone(engine);
    const resumed = await runCli(command('resume', remains(home).run.id, '--json'));
    expect(resumed.stderr).toBe('');
    expect(outcome(remains(home))).toEqual(expected);
  });
});

where(describe, [hasPs, lack.ps])('a run', () => {
  const changed = { '--steps': 60, '--sample-tokens': 0, '--tokens-per-step': 6400 };

  it('whose engine is killed is interrupted, says by what, and can be resumed', async () => {
    const { home, train, command } = workplace();
    const running = await startUntil(train(changed), 12);
    process.kill(halt(running.child.pid!), 'SIGKILL');
    running.child.kill('SIGCONT');
    const { code, stdout, stderr } = await running.result;
    expect([code, stderr]).toEqual([1, '']);
    expect(endOf(stdout)).toMatchObject({ type: 'end', state: 'interrupted' });
    expect(endOf(stdout).message).toMatch(/engine.*SIGKILL.*checkpoint/);
    const { run, events, metrics } = remains(home);
    expect(run).toMatchObject({ state: 'interrupted', pid: null, message: endOf(stdout).message });
    expect(events.at(-1)).toMatchObject({ kind: 'interrupted', level: 'warning' });
    // Also what the engine said in its last moments is stored.
    expect(metrics.map((m) => m.step)).toEqual(Array.from({ length: metrics.length }, (_, i) => i + 1));
    expect(metrics.length).toBeGreaterThanOrEqual(12);

    const resumed = await runCli(command('resume', run.id, '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(remains(home).run).toMatchObject({ state: 'completed', step: 60 });
  });

  it('whose studio is killed is saved by its engine, which ends, and loses no step', async () => {
    // No checkpoint is due before its end.
    const rare = { ...changed, '--steps': 120, '--checkpoint-every': 1000, '--eval-every': 1000 };
    const expected = await uninterrupted(rare);
    const { home, train, command } = workplace();
    const running = await startUntil(train(rare), 7);
    const engine = halt(running.child.pid!);
    // It says more that nobody hears.
    await new Promise((resolve) => setTimeout(resolve, 100));
    running.child.kill('SIGKILL');
    await running.result;
    await gone(engine);
    const listed = await runCli(command('runs', '--json'));
    expect([listed.code, listed.stderr]).toEqual([0, '']);
    expect(JSON.parse(listed.stdout)).toMatchObject({ state: 'interrupted', pid: null });
    const { run, events, metrics, checkpoints } = remains(home);
    const saved = checkpoints.at(-1)!.step;
    expect(saved).toBeGreaterThan(7);
    expect(run).toMatchObject({
      step: saved,
      message: `its process ended; saved at step ${saved}, from where it resumes`,
    });
    expect(metrics.map((m) => m.step)).toEqual(Array.from({ length: saved }, (_, i) => i + 1));
    expect(events.map((e) => e.kind).filter((kind) => kind !== 'started' && kind !== 'promise')).toEqual([
      'phase',
      'phase',
      'saved',
    ]);
    expect(fs.readdirSync(path.join(home, 'runs', run.id)).filter((name) => /engine|unheard/.test(name))).toEqual([]);

    const resumed = await runCli(command('resume', run.id, '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    const jobs = jsonLines((await runCli(command('jobs', '--json'))).stdout).filter((job) => job.kind === 'train');
    expect(jobs.map((job) => [job.state, job.message])).toEqual([
      ['done', null],
      ['failed', `process ${running.child.pid} crashed or was killed`],
    ]);
    const { checkpoints: _first, ...others } = outcome(remains(home));
    const { checkpoints: _second, ...all } = expected;
    expect(others).toEqual(all);
  });
});
