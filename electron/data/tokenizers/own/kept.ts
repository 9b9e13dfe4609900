import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { UserError } from '../../../base/errors.ts';
import { whyOf } from '../../../base/systemErrors.ts';
import type { OwnName, Tokenizer, TokenizerName } from '../types.ts';
import { definitionSchema, isOwnName, nameOf } from './definition.ts';
import { ownTokenizer } from './tokenizer.ts';

const keptSchema = z.object({
  version: z.literal(1),
  /** What people call it: the folder that it came in. */
  label: z.string(),
  definition: definitionSchema,
  /** The files that it came in, by name, where they say neither more nor less: they go out again with an export. */
  files: z.record(z.string(), z.string()),
});

/** A tokenizer that came with a model, as it is kept. */
export type KeptTokenizer = Omit<z.infer<typeof keptSchema>, 'version'>;

/**
 * Folders in which tokenizers are looked for, in the environment: threads and processes that are started from here have them,
 * too. A tokenizer's name is a hash of what it does, so it is the same wherever it is found.
 */
const variable = 'TRAINYARD_TOKENIZERS';

const folders = (): string[] => (process.env[variable] ?? '').split(path.delimiter).filter(Boolean);

export const tokenizersDir = (home: string): string => path.join(home, 'tokenizers');

/** Has tokenizers looked for in a folder, here and in what is started from here. */
export function lookForTokenizersIn(folder: string): void {
  const known = folders();
  const dir = path.resolve(folder);
  if (!known.includes(dir)) process.env[variable] = [...known, dir].join(path.delimiter);
}

const fileName = (name: OwnName): string => `${name}.json`;

/** Where a tokenizer's description is; undefined where it is in none of the folders. */
const fileOf = (name: OwnName): string | undefined =>
  folders()
    .map((dir) => path.join(dir, fileName(name)))
    .find((file) => fs.existsSync(file));

const loaded = new Map<OwnName, { readonly kept: KeptTokenizer; readonly tokenizer: Tokenizer }>();

/** Makes a tokenizer known in this process. */
export function useTokenizer(kept: KeptTokenizer): OwnName {
  const name = nameOf(kept.definition);
  if (!loaded.has(name)) loaded.set(name, { kept, tokenizer: ownTokenizer(name, kept.definition) });
  return name;
}

/** Keeps a tokenizer in a folder, whole or not at all; one that is there already stays. @throws UserError when the disk does not take it */
export function keepTokenizer(dir: string, kept: KeptTokenizer): OwnName {
  const name = useTokenizer(kept);
  const file = path.join(dir, fileName(name));
  if (fs.existsSync(file)) return name;
  const partial = `${file}.${randomBytes(4).toString('hex')}.partial`;
  try {
    fs.mkdirSync(dir, { recursive: true });
    fs.writeFileSync(partial, textOf(kept));
    fs.renameSync(partial, file);
  } catch (error) {
    fs.rmSync(partial, { force: true });
    throw new UserError(`The tokenizer can't be saved in ${dir}: ${whyOf(error)}.`);
  }
  return name;
}

const textOf = (kept: KeptTokenizer): string => JSON.stringify({ version: 1, ...kept });

/** Its description as a file; undefined for a tokenizer that needs none. @throws UserError when it is not found, or damaged */
export function tokenizerContent(name: TokenizerName): { name: string; content: Uint8Array } | undefined {
  if (!isOwnName(name)) return undefined;
  return { name: fileName(name), content: Buffer.from(textOf(load(name).kept)) };
}

/** @throws UserError when it is not what its name says */
function read(name: OwnName, file: string): KeptTokenizer {
  let kept: KeptTokenizer | undefined;
  try {
    kept = keptSchema.safeParse(JSON.parse(fs.readFileSync(file, 'utf8'))).data;
  } catch {
    // It says so below.
  }
  if (kept && nameOf(kept.definition) === name) return kept;
  throw new UserError(`The tokenizer in ${file} is damaged: remove that file and import its model again.`);
}

function load(name: OwnName) {
  const known = loaded.get(name);
  if (known) return known;
  const file = fileOf(name);
  if (file === undefined)
    throw new UserError(
      `The tokenizer ${name} is not found (${fileName(name)} in the folder "tokenizers" of the data folder): import the model that it belongs to again.`,
    );
  useTokenizer(read(name, file));
  return loaded.get(name)!;
}

/** @throws UserError when it is not found, or damaged */
export const ownTokenizerOf = (name: OwnName): Tokenizer => load(name).tokenizer;

/** As it is kept. @throws UserError when it is not found, or damaged */
export const keptTokenizerOf = (name: OwnName): KeptTokenizer => load(name).kept;

/** Has a tokenizer taken from the folder of a checkpoint that carries it, where it is found nowhere else. */
export function useTokenizerIn(dir: string, name: unknown): void {
  if (typeof name !== 'string' || !isOwnName(name) || loaded.has(name) || fileOf(name) !== undefined) return;
  const file = path.join(dir, fileName(name));
  if (fs.existsSync(file)) useTokenizer(read(name, file));
}

/** The names of the tokenizers in a home. */
export function keptNames(home: string): OwnName[] {
  const dir = tokenizersDir(home);
  if (!fs.existsSync(dir)) return [];
  return fs
    .readdirSync(dir)
    .flatMap((file) => (file.endsWith('.json') && isOwnName(file.slice(0, -5)) ? [file.slice(0, -5) as OwnName] : []))
    .sort();
}
