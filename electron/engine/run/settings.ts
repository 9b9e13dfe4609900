import { z } from 'zod';
import { abouts, type About, type Only, type Section, sections } from '../../base/setting.ts';
import { runConfigSchema } from './config.ts';

/** A setting of a run, as the command line, the page and the docs show it. */
export interface Setting {
  /** Where it is in a config: `optimizer.beta1`. */
  readonly path: string;
  readonly section: Section;
  readonly label: string;
  readonly help: string;
  readonly flag?: string;
  readonly reader?: About['reader'];
  readonly kind: 'int' | 'number' | 'choice' | 'toggle' | 'other';
  readonly choices?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  /** What a config that leaves it out gets. */
  readonly default?: unknown;
  /** See `About`. */
  readonly absent?: string;
  readonly start?: number;
  /** Whether a config may leave it out without there being a default. */
  readonly optional: boolean;
  readonly only?: Only;
}

/** What wraps a schema and says what is absent: default, prefault, optional. */
const isWrapped = (schema: z.ZodType): schema is z.ZodDefault<z.ZodType> | z.ZodPrefault<z.ZodType> =>
  schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault || schema instanceof z.ZodOptional;

/** The schemas at which something is said of a setting, by path; of model families that share one, once. */
function* described(schema: z.ZodType, path: readonly string[]): Generator<[path: string, schema: z.ZodType]> {
  if (abouts.has(schema)) yield [path.join('.'), schema];
  else if (isWrapped(schema)) yield* described(schema.unwrap() as z.ZodType, path);
  else if (schema instanceof z.ZodObject) {
    for (const [key, part] of Object.entries(schema.shape)) yield* described(part as z.ZodType, [...path, key]);
  } else if (schema instanceof z.ZodDiscriminatedUnion) {
    for (const option of schema.options) yield* described(option as z.ZodType, path);
  }
}

interface JsonSchema {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
}

function kindOf({ type, enum: choices }: JsonSchema): Setting['kind'] {
  if (choices?.every((c) => typeof c === 'string')) return 'choice';
  if (type === 'integer') return 'int';
  if (type === 'number') return 'number';
  return type === 'boolean' ? 'toggle' : 'other';
}

function settingOf(path: string, schema: z.ZodType): Setting {
  const about = abouts.get(schema)!;
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  const kind = about.reader ? 'other' : kindOf(json);
  return {
    path,
    ...about,
    kind,
    optional: schema instanceof z.ZodOptional,
    ...(kind === 'choice' ? { choices: json.enum as string[] } : {}),
    ...(json.minimum === undefined ? {} : { min: json.minimum }),
    ...(json.maximum === undefined || json.maximum === Number.MAX_SAFE_INTEGER ? {} : { max: json.maximum }),
    ...(json.default === undefined ? {} : { default: json.default }),
  };
}

/**
 * Every setting of a run that has a value of its own. `run/config.ts` declares each once, with what is said of it: flags, help,
 * the page's form and docs/guide/settings.md are made from this. A run's dataset, tokenizer and initial weights are chosen by commands
 * and pages in ways of their own.
 */
export const settings: readonly Setting[] = [...new Map(described(runConfigSchema, [])).entries()]
  .map(([path, schema]) => settingOf(path, schema))
  .sort((a, b) => sections.indexOf(a.section) - sections.indexOf(b.section));

/** What a run starts with where nobody says, for people: empty where it has to be said. */
export function describeAbsent({ absent, default: value }: Setting): string {
  if (absent !== undefined) return absent;
  return typeof value === 'number' || typeof value === 'string' ? String(value) : '';
}

/** Of settings of a section that have one: what a form starts with, by the last part of their paths. */
export const startsOf = (section: Section): Record<string, number> =>
  Object.fromEntries(
    settings.flatMap(({ path, section: own, start }) =>
      own === section && start !== undefined ? [[path.slice(path.lastIndexOf('.') + 1), start]] : [],
    ),
  );
