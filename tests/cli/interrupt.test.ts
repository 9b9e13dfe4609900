import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { halt, hasPs, isRunning } from './processes.ts';
import { runCli, startCli } from './run.ts';
import { endOf, oneLineOf, outcome, remains, startUntil, uninterrupted, until, workplace } from './workplace.ts';
import { lack, where } from '../frame/needs.ts';

const long = { '--steps': 60, '--sample-every': 20, '--tokens-per-step': 6400 };
let once: ReturnType<typeof uninterrupted> | undefined;
/** What the run comes to without interruption. */
const whole = () => (once ??= uninterrupted(long));

where(describe, [hasPs, lack.ps])('Ctrl-C', () => {
  it('pauses, says how to go on, and that leads to the same bits', async () => {
    const expected = await whole();
    const { home, train } = workplace();
    const running = startCli(train(long).filter((arg) => arg !== '--json'));
    let shown = '';
    running.child.stderr!.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
    await until(() => /\[█+░* *] /.test(shown));
    // A terminal tells every process of its group.
    process.kill(halt(running.child.pid!), 'SIGINT');
    running.child.kill('SIGINT');
    running.child.kill('SIGCONT');
    const { code, stderr } = await running.result;
    expect(code).toBe(0);
    expect(stderr).toMatch(/saving after this step; Ctrl-C again ends it now\n/);
    const { run, folders } = remains(home);
    expect(run).toMatchObject({ state: 'paused', pid: null });
    expect(run.step).toBeLessThan(60);
    expect(folders).toContain(`step-${String(run.step).padStart(6, '0')}`);
    expect(stderr).toContain(`run ${run.id} paused: paused at step ${run.step}, checkpoint saved\n`);
    // The command that it shows is taken by its word.
    const typed = /resume with: trainyard (.*)\n/.exec(stderr)![1]!.split(' ');
    const resumed = await runCli(typed);
    expect(resumed.code).toBe(0);
    expect(resumed.stderr).toContain(`run ${run.id} completed`);
    expect(outcome(remains(home))).toEqual(expected);
  });

  it('twice stops now, and what is left leads to the same bits', async () => {
    const expected = await whole();
    const { home, train, command } = workplace();
    const running = await startUntil(train(long), 7);
    // The engine is too busy to listen.
    const engine = halt(running.child.pid!);
    process.kill(engine, 'SIGSTOP');
    running.child.kill('SIGINT');
    running.child.kill('SIGCONT');
    await until(() => running.lines().some((line) => line.includes('"type":"note"')));
    // At once it would be taken for the first one's echo.
    await new Promise((resolve) => setTimeout(resolve, 300));
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.result;
    expect([code, stderr]).toEqual([130, '']);
    expect(isRunning(engine)).toBe(false);
    expect(endOf(stdout)).toMatchObject({ type: 'end', state: 'interrupted', resumable: true });
    expect(endOf(stdout).message).toMatch(
      /ended immediately; resume continues from the checkpoint at step \d+|no checkpoint was saved/,
    );
    const { run } = remains(home);
    expect(run).toMatchObject({ state: 'interrupted', pid: null });
    const resumed = await runCli(command('resume', run.id, '--json'));
    expect([resumed.code, resumed.stderr]).toEqual([0, '']);
    expect(outcome(remains(home))).toEqual(expected);
  });

  it('is what SIGTERM means too, and one that arrives by two ways is one', async () => {
    const { home, train } = workplace();
    const running = await startUntil(train(long), 3);
    halt(running.child.pid!);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGCONT'] as const) running.child.kill(signal);
    const { code, stdout } = await running.result;
    expect(code).toBe(0);
    expect(endOf(stdout)).toMatchObject({ state: 'paused', resumable: true });
    expect(remains(home).run.state).toBe('paused');
  });
});

it('a run whose output nobody reads any more is paused', async () => {
  const { home, train } = workplace();
  const running = await startUntil(train({ '--steps': 2000 }), 3);
  running.child.stdout!.destroy();
  const { code, stderr } = await running.result;
  expect(code).toBe(1);
  expect(oneLineOf(stderr)).toMatch(/output.*EPIPE.*saved and paused/);
  const { run, folders } = remains(home);
  expect(run.state).toBe('paused');
  expect(folders).toContain(`step-${String(run.step).padStart(6, '0')}`);
});

it('a run that is paused before its first step does nothing twice when it is resumed', async () => {
  const { home, text, command } = workplace();
  const { name: dataset, vocabSize } = await prepareDataset({ home, inputs: [text], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  try {
    const config = parseRunConfig({
      model: { vocabSize, contextLength: 8, nLayer: 1, nHead: 1, nEmbd: 8 },
      dataset,
      tokenizer: 'bytes',
      batch: 1,
      tokensPerStep: 8,
      phases: [{ kind: 'constant', steps: 3, from: 1e-3, to: 1e-3 }],
      evaluation: { sequences: 2 },
      sampling: { tokens: 4 },
    });
    const handle = studio.training.start(await studio.runs.create(config, 'paused at once'));
    handle.pause();
    expect(await handle.ended).toMatchObject({ state: 'paused', resumable: true });
  } finally {
    studio.close();
  }
  expect(remains(home)).toMatchObject({ run: { state: 'paused', step: 0 }, folders: ['step-000000'] });
  const resumed = await runCli(command('resume', 'paused at once', '--json'));
  expect([resumed.code, resumed.stderr]).toEqual([0, '']);
  const { run, metrics, samples, evals } = remains(home);
  expect(run).toMatchObject({ state: 'completed', step: 3 });
  expect(metrics.map((m) => m.step)).toEqual([1, 2, 3]);
  expect(samples.map((s) => s.step)).toEqual([0, 3]);
  expect(evals.map((e) => e.step)).toEqual([0, 3]);
});
