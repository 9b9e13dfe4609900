import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { promptsOf, textOf, unescape } from '../../electron/cli/prompts.ts';
import { applyFlags } from '../../electron/cli/settings.ts';
import { UsageError } from '../../electron/base/errors.ts';
import { tempDir } from '../temp.ts';
import { runHere } from './run.ts';
import { workplace } from './workplace.ts';

const literal = ['f \\nabla g \\nu', 'C:\\new\\table', '\\\\', 'a\\', '%s $HOME `x`', '\\newcommand{\\x}'];

describe('prompts and stop strings', () => {
  it('are taken literally', () => {
    for (const text of literal) {
      expect(textOf('--stop', text, {})).toBe(text);
      expect(promptsOf([text], {})).toEqual([text]);
      expect(applyFlags({}, { prompt: [text] })).toEqual({ sampling: { prompts: [text] } });
    }
  });

  it('have escapes where they are asked for, and a backslash can be written', () => {
    const of = (text: string) => textOf('--prompt', text, { promptEscapes: true });
    expect(of('a\\nb\\tc\\\\nabla\\x41\\u00e9\\u{1F642}\\"')).toBe('a\nb\tc\\nablaAé🙂"');
    expect(applyFlags({}, { prompt: ['a\\n'], promptEscapes: true })).toEqual({ sampling: { prompts: ['a\n'] } });
    for (const wrong of ['\\q', 'a\\', '\\u12', '\\u{110000}', '\\xg'])
      expect(() => unescape('--stop', wrong)).toThrow(UsageError);
  });

  it('come from a file to its last byte, and not from two places', () => {
    const file = path.join(tempDir(), 'prompt.txt');
    fs.writeFileSync(file, 'first\\n\nsecond\n');
    expect(promptsOf(undefined, { promptFile: file })).toEqual(['first\\n\nsecond\n']);
    expect(() => promptsOf(['x'], { promptFile: file })).toThrow('not both');
    expect(() => promptsOf(undefined, { promptFile: `${file}.gone` })).toThrow(UsageError);
    fs.writeFileSync(file, Buffer.from([0xff, 0xfe]));
    expect(() => promptsOf(undefined, { promptFile: file })).toThrow('not UTF-8');
  });

  it('reach the model as they were given', async () => {
    const { train, command } = workplace();
    expect((await runHere(train({ '--steps': 2, '--warmup-steps': 0, '--sample-tokens': 0 }))).code).toBe(0);
    const runs = (await runHere(command('runs', '--json'))).stdout;
    const { name } = JSON.parse(runs.split('\n')[0]!) as { name: string };
    const generate = (...args: string[]) =>
      runHere(command('generate', name, '--device', 'cpu', '--tokens', '1', '--temperature', '0', ...args));
    for (const text of literal.slice(0, 2))
      expect((await generate('--prompt', text)).stdout.startsWith(text)).toBe(true);
    expect((await generate('--prompt', 'a\\nb', '--prompt-escapes')).stdout.startsWith('a\nb')).toBe(true);
    const wrong = await generate('--prompt', '\\q', '--prompt-escapes');
    expect([wrong.code, wrong.stderr.split('\n').length]).toEqual([2, 2]);
  });
});
