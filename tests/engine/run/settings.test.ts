import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { z } from 'zod';
import { describe, expect, it } from 'vitest';
import { sections } from '../../../electron/base/setting.ts';
import { runConfigSchema } from '../../../electron/engine/run/config.ts';
import { settings } from '../../../electron/engine/run/settings.ts';
import { packageFile } from '../../../electron/base/paths.ts';
import { settingsPage } from '../../../docs/settings.ts';

/** Chosen by commands and pages in ways of their own, or not by people at all. */
const others = ['model.vocabSize', 'model.family', 'dataset', 'tokenizer', 'init', 'schedule', 'device.gpu'];

interface Json {
  readonly properties?: Readonly<Record<string, Json>>;
  readonly anyOf?: readonly Json[];
  readonly oneOf?: readonly Json[];
}

/** Every path of a config below which there are no names any more. */
function leaves(json: Json, path: string, known: ReadonlySet<string>): string[] {
  if (known.has(path)) return [path];
  const options = json.oneOf ?? json.anyOf;
  if (options) return options.flatMap((option) => leaves(option, path, known));
  if (!json.properties) return [path];
  return Object.entries(json.properties).flatMap(([key, part]) =>
    leaves(part, path === '' ? key : `${path}.${key}`, known),
  );
}

describe('the table of settings', () => {
  const paths = settings.map((s) => s.path);

  it('has every setting of the config once, each with a flag and a label', () => {
    const json = z.toJSONSchema(runConfigSchema, { io: 'input', unrepresentable: 'any' }) as Json;
    const all = new Set(leaves(json, '', new Set([...paths, ...others])));
    expect([...all].filter((path) => !paths.includes(path) && !others.includes(path))).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
    for (const s of settings) {
      expect(s.flag, s.path).toMatch(/^--[a-z0-9-]+( <.+>)?$/);
      if (s.path !== 'device.gpu') expect(s.label, s.path).not.toBe('');
      expect(sections).toContain(s.section);
    }
    expect(new Set(settings.map((s) => s.flag)).size).toBe(settings.length);
  });

  it('knows kinds, limits and defaults from the schema', () => {
    const of = (path: string) => settings.find((s) => s.path === path);
    expect(of('model.nLayer')).toMatchObject({ kind: 'int', min: 1, max: 1024, optional: false, start: 4 });
    expect(of('optimizer.weightDecay')).toMatchObject({ kind: 'number', min: 0, max: 1, default: 0.1 });
    expect(of('precision')).toMatchObject({ kind: 'choice', choices: ['f32', 'bf16', 'f16'], default: 'f32' });
    expect(of('sampling.every')).toMatchObject({ kind: 'int', optional: true });
    expect(of('device.tf32')).toMatchObject({ kind: 'toggle', only: { precision: 'f32' } });
  });

  it('makes the page of the guide', () => {
    expect(fs.readFileSync(packageFile('docs/guide/settings.md'), 'utf8')).toBe(settingsPage());
  });

  it('is what train --help lists', () => {
    const help = execFileSync(process.execPath, [packageFile('electron/cli.ts'), 'train', '--help'], {
      encoding: 'utf8',
    });
    for (const { flag } of settings) expect(help).toContain(flag!);
  });
});
