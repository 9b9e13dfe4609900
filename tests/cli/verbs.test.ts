import { spawnSync } from 'node:child_process';
import { Help } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../electron/cli/main.ts';
import { namedVerb, verbName, verbs } from '../../electron/cli/verbs.ts';
import { packageFile } from '../../electron/base/paths.ts';

describe('the commands of the command line', () => {
  it('are called as they are listed', async () => {
    const program = await buildProgram(verbs.map(verbName));
    const help = new Help();
    const called = program.commands.map((command) => help.subcommandTerm(command));
    expect(called).toEqual(verbs.map((verb) => verb.usage));
  });

  it('are told apart from flags, and asked for help about', () => {
    expect(namedVerb(['--home', 'there', 'train', '--text', 'a'])).toBe('train');
    expect(namedVerb(['--home=there', 'fit'])).toBe('fit');
    expect(namedVerb(['help', 'data'])).toBe('data');
    expect(namedVerb(['--help'])).toBeUndefined();
  });

  it('are listed without loading any', () => {
    const reported = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { registerHooks } from 'node:module';
        const loaded = [];
        registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
        const { main } = await import(${JSON.stringify(packageFile('electron/cli/main.ts'))});
        await main(['--help']);
        console.error(JSON.stringify(loaded.filter((url) => url.startsWith('file:'))));`,
      ],
      { encoding: 'utf8' },
    );
    expect(reported.stdout).toMatch(/^Usage: trainyard/);
    const loaded = JSON.parse(reported.stderr) as string[];
    expect(loaded.filter((url) => /\/(engine\/(?!checkpoint\/names)|data|api)\/|\/cli\/train\.ts/.test(url))).toEqual(
      [],
    );
    expect(loaded.length).toBeLessThan(40);
  });
});
