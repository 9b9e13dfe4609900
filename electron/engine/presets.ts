import fs from 'node:fs';
import path from 'node:path';
import { UsageError } from '../errors.ts';
import { packageFile } from '../paths.ts';

const folder = packageFile('resources/presets');

export interface Preset {
  readonly name: string;
  readonly title: string;
  /** Part of a run's config: the model's shape, and whatever else the preset decides. */
  readonly config: { readonly [key: string]: unknown };
}

export const presetNames = (): string[] =>
  fs
    .readdirSync(folder)
    .filter((f) => f.endsWith('.json'))
    .map((f) => f.slice(0, -'.json'.length))
    .sort();

/** @throws UsageError that lists the presets when there is none of that name */
export function loadPreset(name: string): Preset {
  const names = presetNames();
  if (!names.includes(name)) throw new UsageError(`There is no preset "${name}". Choose from ${names.join(', ')}.`);
  return { name, ...JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8')) };
}
