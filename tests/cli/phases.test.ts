import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import type { DataRead } from '../../electron/studio/run/dataRead.ts';
import { expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { hasPs, killTree } from './processes.ts';
import { jsonLines, runCli, startCli } from './run.ts';
import { lack, where } from '../frame/needs.ts';

const small = [
  '--layers',
  '1',
  '--heads',
  '1',
  '--width',
  '16',
  '--context',
  '16',
  '--batch',
  '2',
  '--sample-tokens',
  '0',
];

it('a finished run goes on with phases that are added, as one that had them from the start', async () => {
  const dir = tempDir();
  const text = path.join(dir, 'text.txt');
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(60));
  const home = path.join(dir, 'home');
  const first = 'cosine:10:1e-3:5e-4';
  const [second, third] = ['constant:6:5e-4:adamw8bit', 'constant:4:1e-4'];
  const train = (name: string, ...phases: string[]) =>
    runCli([
      '--home',
      home,
      'train',
      '--text',
      text,
      '--tokenizer',
      'bytes',
      ...small,
      '--name',
      name,
      '--json',
      '--phase',
      ...phases,
    ]);
  const command = (...args: string[]) => runCli(['--home', home, ...args]);
  const losses = (stdout: string) => jsonLines(stdout).flatMap((l) => (l.type === 'metrics' ? [[l.step, l.loss]] : []));

  const whole = await train('whole', first, second, third);
  expect(whole.code).toBe(0);
  const started = await train('grown', first);
  const refused = await command('phases', 'grown', '--add', 'constant:0:1e-4');
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/steps/)]);
  expect((await command('phases', 'grown', '--add', 'constant:9:1e-3')).code).toBe(0);
  const shown = await command('phases', 'grown', '--later', second, third);
  expect(shown.stdout).toMatch(/cosine .*done\n.*constant .*adamw8bit.*\n.*constant .*adamw /);
  const resumed = await command('resume', 'grown', '--json');
  expect(resumed.code).toBe(0);
  expect([...losses(started.stdout), ...losses(resumed.stdout)]).toEqual(losses(whole.stdout));
  expect((await command('resume', 'grown')).stderr).toMatch(/already finished/);
});

/** Two texts of documents, and the settings of a run that takes some seconds. */
function workplace() {
  const dir = tempDir();
  const [text, news] = [path.join(dir, 'text.txt'), path.join(dir, 'news.txt')];
  fs.writeFileSync(text, 'the quick brown fox jumps over the lazy dog. '.repeat(200));
  fs.writeFileSync(news, 'pack my box with five dozen liquor jugs. '.repeat(200));
  const home = path.join(dir, 'home');
  const sizes = ['--layers', '4', '--heads', '2', '--width', '128', '--context', '128', '--batch', '8'];
  const rest = ['--sample-tokens', '0', '--eval-every', '0', '--checkpoint-every', '40', '--json'];
  const train = ['--home', home, 'train', '--text', text, '--tokenizer', 'bytes', ...sizes, ...rest];
  return { home, news, train };
}
const lossesOf = (...outputs: string[]) => {
  const steps = outputs.flatMap((o) => jsonLines(o)).flatMap((l) => (l.type === 'metrics' ? [[l.step, l.loss]] : []));
  return Object.fromEntries(steps) as Record<number, number>;
};

where(it, [hasPs, lack.ps])(
  'later phases of a run are changed by another process while it trains, and survive kill -9',
  async () => {
    const { home, news, train } = workplace();
    const [first, later] = ['constant:4000:1e-3', `constant:30:5e-4:adamw8bit:batch=4:data=${news}`];
    const running = startCli([...train, '--name', 'changed', '--phase', first, 'cosine:500:1e-3:1e-4']);
    while (!running.lines().some((l) => l.includes('"metrics"'))) await new Promise((r) => setTimeout(r, 20));

    const overlapping = await runCli(['--home', home, 'phases', 'changed', '--later', 'constant:9:1e-3:subset=0-50%']);
    expect(overlapping).toMatchObject({ code: 1, stderr: expect.stringMatching(/Phases 1 and 2 .* share documents/) });
    const { step } = jsonLines(running.lines().join('\n')).findLast((l) => l.type === 'metrics') as { step: number };
    const length = step + 300;
    const changed = await runCli(['--home', home, 'phases', 'changed', '--current', String(length), '--later', later]);
    await killTree(running.child.pid!);
    const started = await running.result;
    expect(changed.stderr.split('\n')).toEqual([
      expect.stringMatching(/^dataset news-bytes-.* to validate/),
      'the run is training: queued for after the current step',
      '',
    ]);
    expect(changed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(new RegExp(`constant .*${length} .*\\n.*30 .*adamw8bit .*4 .*news`)),
    });
    const event = jsonLines(started.stdout).find((l) => l.type === 'phases');
    expect(event).toMatchObject({ phases: [{ steps: length }, { steps: 30, batch: 4 }] });

    const resumed = await runCli(['--home', home, 'resume', 'changed', '--json']);
    expect(resumed.code).toBe(0);
    const whole = await runCli([...train, '--name', 'whole', '--phase', `constant:${length}:1e-3`, later]);
    expect(lossesOf(started.stdout, resumed.stdout)).toEqual(lossesOf(whole.stdout));
    expect(Object.keys(lossesOf(whole.stdout)).length).toBe(length + 30);
    const shown = await runCli(['--home', home, 'show', 'changed']);
    expect(shown.stdout).toMatch(
      new RegExp(`phases updated: constant, constant; ${(length + 30).toLocaleString('en-US')} steps in total`),
    );
  },
);

it('phases and subsets that make no sense are refused before anything is trained', async () => {
  const { train } = workplace();
  for (const [phase, message] of [
    ['constant:5:1e-3:subset=50-20%', /subset= needs a range of whole percent such as 0-50%, not "50-20%"/],
    ['constant:5:1e-3:subset=half', /not "half"/],
    ['constant:5:1e-3:batch=0', /batch= needs a whole number of at least 1/],
    ['constant:5:1e-3:color=red', /a setting color, not batch, eval, checkpoint, data, subset, mix, wait or end/],
    ['constant:5:1e-3:batch=3', /Phase 1 has batch 3/],
    ['warmup:5:1e-3:1e-4', /a warmup rises/],
  ] as const) {
    const { code, stderr } = await runCli([...train, '--phase', phase]);
    expect([phase, code, stderr.trim().split('\n').length]).toEqual([phase, 2, 1]);
    expect(stderr).toMatch(message);
  }
  const missing = await runCli([...train, '--phase', 'constant:5:1e-3:data=nothing']);
  expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no dataset "nothing"') });
  const { code, stderr } = await runCli([...train, '--steps', '5', '--subset', '99-100%']);
  expect([code, stderr]).toEqual([
    2,
    expect.stringMatching(/99-100% has 0 tokens: use a larger part of its 1 document or more text\.$/m),
  ]);
});

where(it, [hasPs, lack.ps])('a run is paused from another terminal, and says so when it does not train', async () => {
  const { home, train } = workplace();
  const running = startCli([...train, '--name', 'elsewhere', '--phase', 'constant:4000:1e-3']);
  while (!running.lines().some((l) => l.includes('"metrics"'))) await new Promise((r) => setTimeout(r, 20));
  const paused = await runCli(['--home', home, 'pause', 'elsewhere']);
  expect(paused).toMatchObject({ code: 0, stdout: expect.stringContaining('pausing after the current step') });
  const { code } = await running.result;
  expect(code).toBe(0);
  // Scripts take the last line for a run.
  expect((await runCli(['--home', home, 'runs'])).stdout.trimEnd().split('\n').at(-1)).toContain('paused');
  // What is paused may be complete as it is; then it is at its end.
  const cli = (...args: string[]) => runCli(['--home', home, ...args]);
  const { id, step } = JSON.parse((await cli('runs', '--json')).stdout) as { id: string; step: number };
  const shown = (n: number) => n.toLocaleString('en-US');
  expect(await cli('stop', 'elsewhere')).toMatchObject({
    code: 0,
    stdout: `${id}: completed: stopped early at step ${shown(step)} of 4,000\n`,
  });
  expect((await cli('runs')).stdout.trimEnd().split('\n').at(-1)).toContain('stopped early');
  expect((await cli('show', 'elsewhere')).stdout).toContain(`completed: stopped early at step ${shown(step)} of 4,000`);
  for (const order of ['stop', 'pause'])
    expect(await cli(order, 'elsewhere')).toMatchObject({
      code: 1,
      stderr: 'trainyard: The run elsewhere is completed.\n',
    });
  expect(await cli('resume', 'elsewhere')).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/stopped early at step [\d,]+: continue it with what was left of its phases/),
  });
  const continued = startCli(['--home', home, 'continue', 'elsewhere', '--json']);
  while (!continued.lines().some((l) => l.includes('"metrics"'))) await new Promise((r) => setTimeout(r, 20));
  expect((await cli('pause', 'elsewhere')).code).toBe(0);
  expect((await continued.result).code).toBe(0);
  const after = JSON.parse((await cli('runs', '--json')).stdout) as { state: string; step: number; stepsTotal: number };
  expect(after).toMatchObject({ state: 'paused', stepsTotal: 4000 });
  expect(after.step).toBeGreaterThan(step);
  expect(await cli('continue', 'elsewhere')).toMatchObject({
    code: 1,
    stderr: `trainyard: The run ${id} was not stopped early: resume it.\n`,
  });
});

where(it, [hasPs, lack.ps])('a run is stopped from another terminal: evaluated, saved and complete', async () => {
  const { home, train } = workplace();
  const running = startCli([...train, '--name', 'elsewhere', '--phase', 'constant:4000:1e-3', '--eval-every', '0']);
  while (!running.lines().some((l) => l.includes('"metrics"'))) await new Promise((r) => setTimeout(r, 20));
  expect(await runCli(['--home', home, 'stop', 'elsewhere'])).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/: stopping after the current step, with a final evaluation/),
  });
  const { code, stdout } = await running.result;
  expect(code).toBe(0);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; step: number });
  const last = events.filter((e) => e.type === 'metrics').at(-1)!.step;
  expect(last).toBeLessThan(4000);
  expect(events.at(-1)).toMatchObject({ type: 'end', state: 'completed', early: true, resumable: false });
  expect(events.filter((e) => e.type === 'evaluation').map((e) => e.step)).toEqual([0, last]);
  expect(events.filter((e) => e.type === 'checkpoint').at(-1)!.step).toBe(last);
});

where(it, [hasPs, lack.ps])('a run is continued on new data, at rest and while it trains', async () => {
  const { home, news, train } = workplace();
  const cli = (...args: string[]) => runCli(['--home', home, ...args]);
  await runCli([...train, '--name', 'daily', '--phase', 'constant:30:1e-3']);
  const day = path.join(path.dirname(news), 'day.jsonl.zst');
  const lines = Array.from({ length: 600 }, (_, i) =>
    JSON.stringify({ text: `news of the day, number ${i}: all is well.` }),
  );
  fs.writeFileSync(day, zlib.zstdCompressSync(lines.join('\n')));
  const first = await cli('continue', 'daily', '--data', day, '--phase', 'constant:10:5e-4:adamw8bit', '--json');
  expect(first.stderr).not.toContain('trainyard:');
  expect([first.code, Object.keys(lossesOf(first.stdout))]).toEqual([
    0,
    Array.from({ length: 10 }, (_, i) => `${31 + i}`),
  ]);
  // The loss goes on from where it was: far below that of a model which knows nothing.
  expect(lossesOf(first.stdout)[31]).toBeLessThan(Math.log(257));
  const shown = await cli('phases', 'daily');
  expect(shown.stdout).toMatch(/constant .* 30 .*text-bytes.*\n.*constant .* 10 .*adamw8bit.*day-bytes/);

  const { data } = JSON.parse((await cli('show', 'daily', '--json')).stdout) as { data: DataRead[] };
  expect(data.map(({ steps }) => steps)).toEqual([[{ from: 1, to: 30 }], [{ from: 31, to: 40 }]]);
  const name = /^day-bytes-\w+/.exec(data[1]!.source)![0];
  // On half of the day's documents, and on the text before, in other parts.
  const mix = `${name}@0-50%*3+${data[0]!.source.split(' ')[0]}`;
  const second = await cli('continue', 'daily', '--mix', mix, '--phase', 'constant:8:5e-4');
  expect(second.code).toBe(2); // the other phases have had all of the day
  expect(second.stderr).toMatch(/train on 0-100% and 0-50% of day-bytes-\w+, which share documents/);
  const third = await cli('continue', 'daily', '--mix', mix.replace('@0-50%', ''), '--phase', 'constant:8:5e-4');
  expect(third.code).toBe(0);
  expect((await cli('show', 'daily')).stdout).toMatch(/day-bytes-\w+ 0-100% +31–48 /);

  const running = startCli(['--home', home, 'continue', 'daily', '--phase', 'constant:4000:5e-4', '--json']);
  while (!running.lines().some((l) => l.includes('"metrics"'))) await new Promise((r) => setTimeout(r, 20));
  const more = await cli('continue', 'daily', '--data', news, '--phase', 'constant:5:1e-4');
  expect(more).toMatchObject({ code: 0, stdout: expect.stringMatching(/it continues to step 4,053\n$/) });
  await cli('stop', 'daily');
  expect((await running.result).code).toBe(0);
  for (const [args, code, message] of [
    [['--data', 'nothing.txt', '--phase', 'constant:5:1e-4'], 2, /no dataset and no file nothing\.txt/],
    [['--phase', 'constant:0:1e-4'], 2, /./],
    [['--subset', '0-50%'], 2, /--phase/],
  ] as const) {
    const wrong = await cli('continue', 'daily', ...args);
    expect([wrong.code, wrong.stderr.trim().split('\n').length]).toEqual([code, 1]);
    expect(wrong.stderr).toMatch(message);
  }
});
