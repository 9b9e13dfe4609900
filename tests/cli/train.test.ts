import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../temp.ts';
import { jsonLines, runCli, runHere } from './run.ts';

const text = () => {
  let words = '';
  for (let i = 0; i < 3000; i++)
    words += `${['the', 'cat', 'sat', 'on', 'a', 'mat', 'and', 'ran'][(i * i + 3 * i) % 8]} `;
  return words;
};

const shape = [
  '--tokenizer',
  'bytes',
  '--layers',
  '2',
  '--heads',
  '2',
  '--width',
  '16',
  '--context',
  '16',
  '--batch',
  '4',
];
const quick = [
  '--steps',
  '30',
  '--eval-every',
  '10',
  '--sample-every',
  '15',
  '--sample-tokens',
  '8',
  '--checkpoint-every',
  '5',
  '--eval-sequences',
  '4',
];

/** A home with a text to train on. */
function workplace() {
  const dir = tempDir();
  const file = path.join(dir, 'text.txt');
  fs.writeFileSync(file, text());
  const home = path.join(dir, 'home');
  return { dir, file, home, train: ['--home', home, 'train', '--text', file, ...shape, ...quick] };
}

const losses = (lines: Record<string, unknown>[]) =>
  new Map(lines.filter((l) => l.type === 'metrics').map((l) => [l.step as number, l.loss as number]));

describe('trainyard train', () => {
  it('trains, evaluates, samples, saves, and shows it all', async () => {
    const { home, train } = workplace();
    const result = await runCli([...train, '--json']);
    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
    const lines = jsonLines(result.stdout);
    const seen = losses(lines);
    expect(seen.size).toBe(30);
    expect(seen.get(30)!).toBeLessThan(seen.get(1)!);
    expect(lines.filter((l) => l.type === 'evaluation').map((l) => l.step)).toEqual([0, 10, 20, 30]);
    expect(lines.filter((l) => l.type === 'sample').map((l) => l.step)).toEqual([0, 15, 30]);
    const run = String(lines[0]!.run);

    const started = lines.find((l) => l.type === 'started')!.memory as { plannedBytes: number; allocatedBytes: number };
    expect(started.allocatedBytes).toBe(started.plannedBytes);

    const listed = jsonLines((await runHere(['--home', home, 'runs', '--json'])).stdout);
    expect(listed[0]).toMatchObject({ id: run, state: 'completed', step: 30 });
    const shown = await runHere(['--home', home, 'show', run]);
    expect(shown.code).toBe(0);
    expect(shown.stdout).toContain('training loss');
    const kept = fs.readdirSync(path.join(home, 'runs', run, 'checkpoints')).sort();
    expect(kept).toContain('step-000030');
    const written = await runHere([
      '--home',
      home,
      'generate',
      run,
      '--prompt',
      'the ',
      '--tokens',
      '20',
      '--temperature',
      '0',
    ]);
    expect(written.code).toBe(0);
    expect(written.stdout.startsWith('the ')).toBe(true);
    const again = await runHere([
      '--home',
      home,
      'generate',
      run,
      '--prompt',
      'the ',
      '--tokens',
      '20',
      '--temperature',
      '0',
    ]);
    expect(again.stdout).toBe(written.stdout);
  });

  it('gives the same bits with one thread and with three', async () => {
    const a = workplace();
    const b = workplace();
    const one = losses(jsonLines((await runCli([...a.train, '--json', '--device', 'cpu', '--threads', '1'])).stdout));
    const three = losses(jsonLines((await runCli([...b.train, '--json', '--device', 'cpu', '--threads', '3'])).stdout));
    expect([...three]).toEqual([...one]);
    expect(one.size).toBe(30);
  });
});

describe('settings from several places', () => {
  const config = (dir: string, content: unknown): string => {
    const file = path.join(dir, 'config.json');
    fs.writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  };

  it('flags win over the phases of a config', async () => {
    const { dir, train } = workplace();
    const phases = [{ kind: 'constant', steps: 7, from: 1e-3, to: 1e-3 }];
    const file = config(dir, { phases, guards: { spike: 0 } });
    const withFlags = await runCli([...train, '--json', '--config', file]);
    expect(losses(jsonLines(withFlags.stdout)).size).toBe(30);
    const own = train.filter((_, i) => i !== train.indexOf('--steps') && i !== train.indexOf('--steps') + 1);
    const without = await runCli([...own, '--json', '--config', file]);
    expect(losses(jsonLines(without.stdout)).size).toBe(7);
    const both = await runHere([...train, '--phase', 'constant:5:1e-3']);
    expect([both.code, both.stderr]).toEqual([2, expect.stringMatching(/--phase, or --steps.*not both/)]);
  });

  it.each([
    [{ batch: 'x' }, /Bad setting batch in/],
    [{ model: null }, /Bad setting model in/],
    [{ model: 5 }, /Bad setting model in/],
    [{ model: { vocabSize: 5 } }, /Bad setting model.vocabSize in .*there is no such setting/],
    [{ tokenizer: 'foo' }, /Bad setting tokenizer in/],
    [{ optimizer: { kind: 'sgd' } }, /Bad setting optimizer.kind in/],
    [{ phases: [{ kind: 'constant', steps: 0, from: 1, to: 1 }] }, /Bad setting steps of phase 1 in/],
    ['[1]', /is not a JSON object/],
  ])('a config file of %j is refused, whatever flags say over it', async (content, message) => {
    const { dir, train } = workplace();
    const result = await runHere([...train, '--config', config(dir, content)]);
    expect(result.stderr).toMatch(message);
    expect([result.code, result.stderr.trim().split('\n').length]).toEqual([2, 1]);
  });
});

describe('a config of YAML', () => {
  it('is the same as one of JSON', async () => {
    const { dir, home } = workplace();
    const file = path.join(dir, 'config.yaml');
    const text = path.join(dir, 'text.txt');
    const asked = (at: string) => ['--home', home, 'train', '--text', text, '--dry-run', '--json', '--config', at];
    const settings = { tokenizer: 'bytes', model: { nLayer: 1, nHead: 1, nEmbd: 16, contextLength: 16 }, batch: 2 };
    fs.writeFileSync(text, 'a text. '.repeat(100));
    fs.writeFileSync(
      file,
      '# small\ntokenizer: bytes\nmodel: {nLayer: 1, nHead: 1, nEmbd: 16, contextLength: 16}\nbatch: 2\n',
    );
    const same = path.join(dir, 'config.json');
    fs.writeFileSync(same, JSON.stringify(settings));
    const yaml = await runHere(asked(file));
    const json = await runHere(asked(same));
    expect([yaml.code, yaml.stderr]).toEqual([0, '']);
    expect(yaml.stdout).toBe(json.stdout);
  });

  it.each([
    ['batch: [1', /^trainyard: The config .*config\.yml can't be read: .* at line 1, column \d+\.$/],
    ['- batch', /config\.yml has no settings with their values\.$/],
    ['batch: 1\nbatch: 2', /config\.yml can't be read: Map keys must be unique at line 2/],
    ['batsh: 1', /Bad setting batsh in .*config\.yml: there is no such setting/],
  ])('that is %j is refused in a line', async (content, message) => {
    const { dir, train } = workplace();
    const file = path.join(dir, 'config.yml');
    fs.writeFileSync(file, content);
    const { code, stderr } = await runHere([...train, '--config', file]);
    expect([code, stderr.trim()]).toEqual([2, expect.stringMatching(message)]);
  });
});

describe('wrong input', () => {
  const cases: [string, string[], RegExp][] = [
    ['an unknown flag', ['train', '--layrs', '4'], /--layrs/],
    ['an unknown command', ['trian'], /trian/],
    ['fewer steps than none', ['train', '--steps', '-5'], /--steps needs a whole number, not "-5"/],
    ['a number that is none', ['train', '--layers', 'four'], /--layers/],
    ['a width that the heads do not divide', ['train', '--width', '100', '--heads', '3'], /100.*3/],
    ['a context larger than the data', ['train', '--context', '60000'], /tokens/],
    ['tokens a step that no micro-batch makes', ['train', '--tokens-per-step', '1000'], /multiple/],
    ['an unknown preset', ['train', '--preset', 'gpt5'], /gpt2-medium/],
    ['a bad phase', ['train', '--phase', 'linear:10:1'], /linear/],
    ['a choice that is none', ['train', '--recompute', 'all'], /recompute/],
    ['nothing to train on', ['train'], /--text/],
    ['a missing file', ['train', '--text', 'no-such-file.txt'], /no-such-file/],
    ['a run that is none', ['show', 'no-such-run'], /no-such-run/],
    ['a GPU that is none', ['fit', '--gpu', 'voodoo2'], /rtx-3060/],
  ];
  it.each(cases)('refuses %s in one line', async (_, args, message) => {
    const { home, file } = workplace();
    const needsText = args[0] === 'train' && args.length > 1 && !args.includes('--text');
    // Threads that read text write to the real terminal.
    const run = /larger than the data/.test(_) ? runCli : runHere;
    const result = await run(['--home', home, ...args, ...(needsText ? ['--text', file, '--tokenizer', 'bytes'] : [])]);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(/missing file|run that is none/.test(_) ? 1 : 2);
  });
});
