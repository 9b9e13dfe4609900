import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { childrenOf, gone, hasPs, isRunning } from '../cli/processes.ts';
import { runCli, startCli } from '../cli/run.ts';
import { type Remains, remains, type Settings, until, workplace } from '../cli/workplace.ts';
import { openWindow } from '../bench/served.ts';
import { lack, where } from '../frame/needs.ts';

/** Long enough to be found in training. */
const long = {
  '--steps': 200_000,
  '--sample-tokens': 0,
  '--tokens-per-step': 6400,
  '--checkpoint-every': 20,
  '--eval-every': 100_000,
};

/** A served studio: the command's process, and the studio's below it. */
async function served(home = tempDir()) {
  const { child, result, lines } = startCli(['--home', home, 'serve', '--port', '0']);
  let stderr = '';
  child.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await until(() => lines().some((line) => line.includes('http://')));
  const link = new URL(
    lines()
      .find((line) => line.includes('http://'))!
      .trim(),
  );
  return { home, child, result, link, studio: () => childrenOf(child.pid!)[0], said: () => stderr };
}

/** A served studio with a run in training that was queued from a terminal. */
async function training(changed: Settings = {}, reached = (left: Remains) => left.checkpoints.length > 0) {
  const place = workplace();
  const { code, stderr } = await runCli([...place.train({ ...long, ...changed }), '--queue']);
  expect([code, stderr]).toEqual([0, '']);
  const studio = await served(place.home);
  await until(() => remains(place.home).run.state === 'training' && reached(remains(place.home)));
  return { ...studio, run: () => remains(place.home).run };
}

const ask = (link: URL, headers: Record<string, string> = {}) => fetch(link, { headers, redirect: 'manual' });
/** Also while nothing listens. */
const statusOf = (link: URL, headers: Record<string, string>) =>
  ask(link, headers).then(
    ({ status }) => status,
    () => undefined,
  );

where(describe, [hasPs, lack.ps])('the process of a served studio', () => {
  it('is started again when it dies: the same link and cookie open it, and what trained goes on', async () => {
    const { child, result, link, studio, said, run } = await training();
    const cookie = (await ask(link)).headers.get('set-cookie')!.split(';')[0]!;
    const [before, { step, pid: engine }] = [studio()!, run()];
    process.kill(before, 'SIGKILL');
    await gone(before);
    const page = new URL('/', link);
    await expect.poll(() => statusOf(page, { cookie })).toBe(200);
    expect(await statusOf(link, {})).toBe(303);
    expect(studio()).not.toBe(before);
    await until(() => run().state === 'training' && run().step > step);
    // Of the engine before, nothing is left that could write to the same run.
    if (engine !== null && engine !== run().pid) expect(isRunning(engine)).toBe(false);
    expect(said()).toMatch(/^trainyard: The studio's process ended by SIGKILL: it is started again/m);
    child.kill('SIGTERM');
    expect((await result).code).toBe(0);
    expect(run()).toMatchObject({ state: 'paused', pid: null });
  });

  it('loses no step of a run that trains when it dies, whenever its last checkpoint was written', async () => {
    const { child, result, studio, run, home } = await training(
      { '--checkpoint-every': 1_000_000 },
      ({ metrics }) => metrics.length > 40,
    );
    const { step, pid } = run();
    process.kill(studio()!, 'SIGKILL');
    await until(() => run().state === 'training' && run().pid !== pid && run().step > step + 20);
    child.kill('SIGTERM');
    expect((await result).code).toBe(0);
    const { metrics, events, checkpoints } = remains(home);
    expect(metrics.map((m) => m.step)).toEqual(Array.from({ length: metrics.length }, (_, i) => i + 1));
    // Saved where it was, and not begun anew.
    const began = events.filter((e) => e.kind === 'started').map((e) => e.step);
    expect(began).toHaveLength(2);
    expect(began[0]).toBe(0);
    expect(began[1]).toBeGreaterThanOrEqual(step);
    expect(events.filter((e) => e.kind === 'saved')).toMatchObject([{ step: began[1] }]);
    expect(checkpoints.map((c) => c.step)).toContain(run().step);
  });

  it('makes one run of a request that is repeated, whenever it dies behind it, and trains that', async () => {
    const place = workplace();
    expect(
      (await runCli(place.command('data', 'add', place.text, '--name', 'text', '--tokenizer', 'bytes'))).code,
    ).toBe(0);
    const config = {
      model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 16 },
      ...{ dataset: 'text', tokenizer: 'bytes', batch: 2, tokensPerStep: 64 },
      phases: [{ kind: 'constant', steps: 1_000_000, from: 1e-6, to: 1e-6 }],
      evaluation: { sequences: 2 },
      sampling: { tokens: 0 },
    };
    for (const [i, ms] of [20, 100, 250, 600].entries()) {
      const { result, child, link, studio } = await served(place.home);
      const window = await openWindow(link);
      const asked = { config, name: `after ${ms}`, preset: null, start: 'now', requestKey: `key ${ms}` } as const;
      const answer = window.api.runs.create(asked).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, ms));
      const before = studio()!;
      process.kill(before, 'SIGKILL');
      await Promise.all([gone(before), answer]);
      await expect.poll(() => statusOf(link, {})).toBe(303);
      const next = await openWindow(link);
      const { id } = await next.api.runs.create(asked);
      const runs = await next.api.runs.list({ archived: false });
      expect(runs.filter((run) => run.name === asked.name).map((run) => run.id)).toEqual([id]);
      expect(runs).toHaveLength(i + 1);
      const jobs = async () => (await next.api.jobs.list()).filter((job) => job.run === id).map((job) => job.state);
      const run = async () => (await next.api.runs.get({ id })).run;
      await expect.poll(async () => (await run()).step, { timeout: 20_000 }).toBeGreaterThan(0);
      expect(await jobs()).toEqual(['running']);
      await next.api.runs.pause({ id });
      await expect
        .poll(async () => [(await run()).state, (await run()).message])
        .toEqual(['paused', expect.stringMatching(/^paused at/)]);
      await expect.poll(jobs).toEqual(['paused']);
      window.close();
      next.close();
      child.kill('SIGTERM');
      expect((await result).code).toBe(0);
    }
  });

  it('saves what trains and ends where the command was killed', async () => {
    const { child, studio, run, home } = await training();
    const process_ = studio()!;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    await gone(process_);
    const { checkpoints } = remains(home);
    expect(run()).toMatchObject({ state: 'paused', pid: null, step: checkpoints.at(-1)!.step });
  });

  it('leaves a terminal’s Ctrl-C to the command: all is saved once, and both end', async () => {
    const { child, result, studio, run } = await training();
    const process_ = studio()!;
    // As a terminal sends it: to every process of the group.
    process.kill(process_, 'SIGINT');
    child.kill('SIGINT');
    const { code, stderr } = await result;
    expect([code, stderr.trim()]).toEqual([0, 'saving training runs; Ctrl-C again ends them now']);
    expect(isRunning(process_)).toBe(false);
    expect(run().state).toBe('paused');
  });

  it('that was ended by its own SIGTERM saves, and the command says so', async () => {
    const { result, studio, run } = await training();
    process.kill(studio()!, 'SIGTERM');
    const { code, stderr } = await result;
    expect([code, stderr.trim()]).toEqual([1, 'trainyard: The studio was ended.']);
    expect(run().state).toBe('paused');
  });
});
