import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildProgram, main } from '../../electron/cli/main.ts';
import { verbName, verbs } from '../../electron/cli/verbs.ts';
import { numberKind } from '../../electron/cli/numbers.ts';
import { prepareDataset } from '../../electron/data/index.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

/** No number in any reading; and what is no whole one. */
const noNumbers = ['1e999', 'NaN', 'Infinity', '', ' ', '0x10', 'abc', '1,5', '--', '١', '1e', '1\n2', '\x1b[31m1'];
const notWhole = [...noNumbers, '1.5', '-1', '1e300', '9007199254740993'];

/** Commands that do something, with their names. */
function leaves(command: Command, names: readonly string[] = []): { names: readonly string[]; command: Command }[] {
  const own = command.registeredArguments.length > 0 || command.commands.length === 0;
  return [
    ...(own && names.length > 0 ? [{ names, command }] : []),
    ...command.commands.flatMap((sub) => leaves(sub, [...names, sub.name()])),
  ];
}

interface Outcome {
  readonly code: number | string;
  readonly said: readonly string[];
}

/** Runs a command in this process. */
async function run(args: readonly string[]): Promise<Outcome> {
  const said: string[] = [];
  const take = (...parts: unknown[]) => void said.push(parts.map(String).join(' '));
  vi.spyOn(console, 'error').mockImplementation(take);
  vi.spyOn(console, 'log').mockImplementation(() => {});
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    take(String(chunk).replace(/\n$/, ''));
    return true;
  });
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true);
  try {
    return { code: await main(args), said };
  } catch (error) {
    return { code: `threw ${(error as Error).stack}`, said };
  } finally {
    vi.restoreAllMocks();
  }
}

let home = '';
let text = '';
beforeEach(async () => {
  const dir = tempDir();
  [home, text] = [path.join(dir, 'home'), path.join(dir, 'text.txt')];
  fs.mkdirSync(home);
  fs.writeFileSync(text, 'she sells sea shells by the sea shore. '.repeat(100));
  const dataset = await prepareDataset({ home, inputs: [text], tokenizer: 'bytes' });
  const studio = Studio.open(home);
  const config = parseRunConfig({
    model: { vocabSize: 257, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 8 },
    dataset: dataset.name,
    tokenizer: 'bytes',
    batch: 1,
    tokensPerStep: 16,
    phases: [{ kind: 'constant', steps: 4, from: 1e-3, to: 1e-3 }],
  });
  await studio.runs.create(config, 'known');
  studio.close();
});
afterEach(() => void (process.exitCode = 0));

/** What a command needs besides its flags to come as far as looking at them. */
const needed: Readonly<Record<string, readonly string[]>> = {
  train: ['--text', 'TEXT', '--tokenizer', 'bytes', '--layers', '1', '--heads', '1', '--width', '8', '--context', '16'],
  continue: ['known', '--phase', 'constant:1:1e-3'],
  fit: ['--preset', 'gpt2'],
  'data add': ['TEXT'],
  'bench data': ['--text', 'TEXT'],
};
const argumentsOf = ({ names, command }: { names: readonly string[]; command: Command }): readonly string[] =>
  needed[names.join(' ')] ?? command.registeredArguments.filter((a) => a.required).map(() => 'known');

/** No line end, and nothing that a terminal would obey. */
const oneLine = /^trainyard: [^\p{Cc}\p{Cf}]+$/u;

describe('junk on the command line', () => {
  it('is one line and wrong usage, for every flag that takes a number', { timeout: 300_000 }, async () => {
    let tried = 0;
    const wrong: string[] = [];
    for (const leaf of leaves(await buildProgram(verbs.map(verbName)))) {
      for (const option of leaf.command.options) {
        const kind = numberKind(option.flags);
        if (!kind) continue;
        const own = argumentsOf(leaf).map((a) => (a === 'TEXT' ? text : a));
        for (const junk of kind === 'whole' ? notWhole : noNumbers) {
          const args = ['--home', home, ...leaf.names, ...own, `${option.long}=${junk}`];
          const { code, said } = await run(args);
          if (code !== 2 || said.length !== 1 || !oneLine.test(said[0]!))
            wrong.push(`${args.slice(2).join(' ')}: ${code} ${said.join('\n')}`);
          tried++;
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(tried).toBeGreaterThan(500);
  });

  it('is one line where an address, a path or a file is wrong', async () => {
    const dir = path.dirname(home);
    const file = (name: string, content: string | Buffer) => {
      fs.writeFileSync(path.join(dir, name), content);
      return path.join(dir, name);
    };
    const taken = http.createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const train = ['train', '--text', text, '--tokenizer', 'bytes'];
    const inHome = (...args: string[]) => ['--home', home, ...args];
    const tries: readonly (readonly [code: number, args: readonly string[]])[] = [
      ...['70000', '65536', '-1', '1.5', 'http', '4860/'].map((p) => [2, inHome('serve', `--port=${p}`)] as const),
      [1, inHome('serve', '--port', String(port))],
      [1, inHome('serve', '--port', '0', '--host', '203.0.113.77', '--expose')],
      [1, inHome('serve', '--port', '0', '--host', 'no such host', '--expose')],
      [1, ['--home', text, 'runs']],
      [1, ['--home', path.join(text, 'below'), 'runs']],
      [1, ['--home', '/proc/nope', 'runs']],
      [1, ['--home', `${home}\0x`, 'runs']],
      [2, inHome(...train, '--config', path.join(dir, 'gone.json'))],
      [2, inHome(...train, '--config', dir)],
      [2, inHome(...train, '--config', file('a.json', '{"model": \x1b[2J'))],
      [2, inHome(...train, '--config', file('b.json', '[1]'))],
      [2, inHome(...train, '--config', file('c.json', '{"\\u001b[31mnope": 1}'))],
      [2, inHome(...train, '--config', file('d.json', '{"model": {"nLayer": 1e999}}'))],
      [2, inHome(...train, '--config', file('e.json', '{"phases": "\\n"}'))],
      [2, inHome(...train, '--config', file('f.json', Buffer.from([0xff, 0, 1])))],
      [2, inHome('train', '--no\nsuch', 'x')],
      [2, inHome('tra\x1b[31min')],
      [1, inHome('show', 'no\nsuch\x1b]0;run')],
      [1, inHome('export', 'known', text)],
    ];
    const wrong: string[] = [];
    for (const [wanted, args] of tries) {
      const { code, said } = await run(args);
      if (code !== wanted || said.length !== 1 || !oneLine.test(said[0]!))
        wrong.push(`${args.join(' ')}: ${code} ${said.join('\n')}`);
    }
    taken.close();
    expect(wrong).toEqual([]);
  });
});
