import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../base/errors.ts';
import { packageFile } from '../../base/paths.ts';
import { kindOf, type RunDevice } from '../devices/registry.ts';
import type { Precision } from '../program/types.ts';

const folder = packageFile('resources/presets');

/** Where a part of a recipe comes from. */
const sourceSchema = z.strictObject({
  /** An address, or a file of this repository. */
  url: z.string().min(1),
  /** What was taken from there. */
  took: z.string().min(1),
});

const presetSchema = z.strictObject({
  title: z.string().min(1),
  /** Where its number of tokens comes from. */
  tokensFrom: z.enum(['published', '20 a parameter']),
  sources: z.array(sourceSchema).min(1),
  config: z.record(z.string(), z.unknown()),
});

export type PresetSource = z.infer<typeof sourceSchema>;

/** A recipe: a model's shape, and how it is trained. */
export interface Preset extends z.infer<typeof presetSchema> {
  readonly name: string;
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
  return { name, ...presetSchema.parse(JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8'))) };
}

/** The precision of a recipe on a device: its own, else what trains fastest there without a scale of the loss. */
export const precisionOn = ({ config }: Preset, device: RunDevice): Precision =>
  (config.precision as Precision | undefined) ?? kindOf(device).recipePrecision ?? 'f32';
