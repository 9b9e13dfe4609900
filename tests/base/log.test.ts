import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { explained } from '../../electron/api/context.ts';
import { main, report } from '../../electron/cli/main.ts';
import { RemoteDefect, stackOf, UserError } from '../../electron/base/errors.ts';
import { logDefect, logFile, readLogEnd } from '../../electron/base/log.ts';
import { forkEngine } from '../../electron/studio/run/engine.ts';
import { runJob } from '../../electron/studio/run/job.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { tempDir } from '../temp.ts';

afterEach(() => void vi.restoreAllMocks());

/** What is said on the terminal meanwhile. */
function listen(): string[] {
  const said: string[] = [];
  vi.spyOn(console, 'error').mockImplementation((...parts: unknown[]) => void said.push(parts.map(String).join(' ')));
  return said;
}

describe('the log of defects', () => {
  it('keeps stacks with their causes, and says where they happened', () => {
    const home = tempDir();
    const error = new TypeError('outer', { cause: new Error('inner') });
    expect(logDefect(home, 'trainyard train', error)).toBe(path.join(home, 'logs', 'trainyard.log'));
    const text = readLogEnd(home);
    expect(text).toMatch(/^\d{4}-\d\d-\d\dT.* trainyard train \(trainyard /);
    expect(text).toContain('TypeError: outer\n    at ');
    expect(text).toContain('caused by Error: inner\n    at ');
    expect(stackOf('thrown text')).toBe('thrown text');
  });

  it('never grows without end, and its newest entries are read whatever was put aside', () => {
    const home = tempDir();
    for (let i = 0; i < 120; i++) logDefect(home, `n${i}.`, new RemoteDefect('long', 'x'.repeat(40_000)));
    const files = fs.readdirSync(path.join(home, 'logs'));
    expect(files.sort()).toEqual(['trainyard.log', 'trainyard.log.1']);
    for (const file of files) expect(fs.statSync(path.join(home, 'logs', file)).size).toBeLessThan(1.2 * 2 ** 20);
    expect(readLogEnd(home, 100_000)).toContain('n119.');
    expect(readLogEnd(home, 1000)).toHaveLength(1000);
  });

  it('makes no home, and what it can not write is no defect more', () => {
    const gone = path.join(tempDir(), 'gone');
    expect(logDefect(gone, 'x', new Error('y'))).toBeUndefined();
    expect(fs.existsSync(gone)).toBe(false);
    const home = tempDir();
    fs.writeFileSync(path.join(home, 'logs'), 'a file');
    expect(logDefect(home, 'x', new Error('y'))).toBeUndefined();
    expect(readLogEnd(tempDir())).toBe('');
  });
});

describe('a defect', () => {
  it('of a command is one line on the terminal that names the log, and nothing else', async () => {
    const home = tempDir();
    vi.spyOn(Studio, 'open').mockImplementation(() => {
      throw new TypeError('boom\n\x1b[2J');
    });
    const said = listen();
    expect(await main(['--home', home, 'runs'])).toBe(1);
    expect(said).toEqual([`trainyard: Something went wrong (boom ·[2J). See the log: ${logFile(home)}`]);
    expect(readLogEnd(home)).toContain('log.test.ts');
    expect(readLogEnd(home)).toContain('trainyard runs');
  });

  it('shows its stack where no log can be written, and a mistake of the user is none', () => {
    const said = listen();
    const args = ['runs', '--home', path.join(tempDir(), 'gone')];
    expect(report(new Error('boom'), args)).toBe(1);
    expect(said.join('\n')).toContain('    at ');
    said.length = 0;
    const home = tempDir();
    expect(report(new UserError('Do that.'), [`--home=${home}`, 'runs'])).toBe(1);
    expect(said).toEqual(['trainyard: Do that.']);
    expect(readLogEnd(home)).toBe('');
  });

  it('of an engine process comes with the stack that it has there', async () => {
    const messages = runJob({ type: 'evaluate' } as never, forkEngine);
    const error = await messages.next().then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(RemoteDefect);
    expect(stackOf(error)).toMatch(/at .*electron\/engine\/process\/main\.ts/);
  });

  it('of a procedure is told with the log, and a user error as it was said', () => {
    const home = tempDir();
    listen();
    const reported = explained(new RangeError('no'), ['runs', 'get'], home) as { code: string; message: string };
    expect([reported.code, reported.message]).toEqual([
      'INTERNAL_SERVER_ERROR',
      `Something went wrong (no). See the log: ${logFile(home)}`,
    ]);
    expect(readLogEnd(home)).toContain('runs.get');
    expect((explained(new UserError('Mend it.'), ['x'], home) as { message: string }).message).toBe('Mend it.');
  });
});
