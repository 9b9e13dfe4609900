import fs from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { forStream } from '../../electron/cli/terminal/guard.ts';
import { table } from '../../electron/cli/terminal/table.ts';
import { onOneLine, printable, printableJson } from '../../electron/cli/terminal/text.ts';
import { Studio } from '../../electron/studio/studio.ts';
import { measuredRun, rowsOf } from '../e2e/measured.ts';
import { tempDir } from '../temp.ts';
import { runCli } from './run.ts';
import { lack, where } from '../frame/needs.ts';

/** Clears the screen, sets the title, writes backwards, and forges a row. */
const hostile = 'n\x1b[2J\x1b]0;title\x07\u009b31m\u202egnp.exe\r\nfake-run  completed  1/1\x7f\u2066';
const obeyed = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;

describe('text for a terminal', () => {
  it('has nothing that a terminal obeys, whatever it is made of, and says what people wrote', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !obeyed.test(printable(text))));
    for (const text of ['naïve', '日本語', '👩‍👩‍👧', 'می‌خواهم', 'a\tb\nc']) expect(printable(text)).toBe(text);
    expect(onOneLine(hostile)).not.toMatch(/\n|\r/);
  });

  it('is the same JSON with escapes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = printableJson(JSON.stringify({ text }));
        expect(json).not.toMatch(obeyed);
        expect(JSON.parse(json)).toEqual({ text });
      }),
    );
  });

  it('is as it was for a pipe', () => {
    expect(forStream(hostile, { isTTY: false })).toBe(hostile);
    expect(forStream('a\nb\t\x1b[1m', { isTTY: true })).toBe('a\nb\t·[1m');
  });

  it('is a row of a table for each row, whatever is in its cells', () => {
    expect(table(['name', 'x'], [[hostile, 1], ['b', 2]]).split('\n')).toHaveLength(4); // prettier-ignore
  });
});

describe('commands on what others named', () => {
  it('obey nothing of it: names, notes, messages, events, samples, prompts', async () => {
    const home = tempDir();
    const studio = Studio.open(home);
    const id = await measuredRun(studio, hostile, { rows: rowsOf(3, () => 1), evals: [{ step: 3, value: 1 }] });
    studio.store.runs.update(id, { notes: hostile, tags: [hostile] });
    studio.store.events.add(id, 1, 'info', 'note', hostile);
    studio.store.samples.add(id, 3, hostile, 1, hostile);
    studio.close();
    const ofHome = (...args: string[]) => runCli(['--home', home, ...args]);
    const all = await Promise.all([
      ofHome('runs'),
      ofHome('runs', '--json'),
      ofHome('show', id),
      ofHome('show', id, '--json'),
      ofHome('eval', 'table'),
      ofHome('phases', id),
      ofHome('generate', id, '--prompt', hostile),
      ofHome('show', hostile),
      ofHome('show', `no such ${hostile}`),
      ofHome('data', 'show', hostile),
      ofHome('export', id, path.join(home, 'out\x1b[2J')),
    ]);
    for (const { stdout, stderr } of all) {
      expect(stdout).not.toMatch(obeyed);
      expect(stderr).not.toMatch(obeyed);
    }
    const [runs, json] = all;
    expect(runs!.stdout.split('\n').filter((l) => l.startsWith('fake-run'))).toEqual([]);
    // A name is cleaned as it is stored.
    const { name } = JSON.parse(json!.stdout) as { name: string };
    expect(name).toBe('n [2J ]0;title 31m gnp.exe fake-run completed 1/1');
    for (const { stderr, code } of all.slice(8)) expect([code, stderr.trimEnd().split('\n').length]).toEqual([1, 1]);
  });

  where(it, [fs.existsSync('/usr/bin/script'), lack.script])('are shown on a real terminal as anywhere', () => {
    const { stdout } = spawnSync('/usr/bin/script', ['-qec', `${process.execPath} electron/cli.ts show ${"$'\\x1b[2J'"}`, '/dev/null'], { env: { ...process.env, TRAINYARD_HOME: tempDir(), SHELL: '/bin/bash' }, encoding: 'utf8' }); // prettier-ignore
    expect(stdout).not.toContain('\x1b[2J');
    expect(stdout).toContain('·[2J');
  });
});
