import { parse } from 'yaml';
import { type Command, Option } from 'commander';
import { readTextFile } from '../base/textFile.ts';
import { describeAbsent, type Setting, settings } from '../engine/run/settings.ts';
import { UsageError } from '../base/errors.ts';
import { whyOf } from '../base/systemErrors.ts';
import { parseMix } from './mix.ts';
import { parseInteger, parseNumber } from './numbers.ts';
import { parsePhase } from './phases.ts';
import { addPromptFlags, promptsOf } from './prompts.ts';
import { parseSubset } from './subset.ts';

type Flagged = Setting & { readonly flag: string };
const flagged = settings.filter((s): s is Flagged => s.flag !== undefined);

const nameOf = (s: Flagged): string => s.flag.split(' ')[0]!;
function optionOf(s: Flagged): Option {
  const absent = describeAbsent(s);
  const option = new Option(s.flag, absent === '' ? s.help : `${s.help} (${absent})`);
  return s.choices ? option.choices([...s.choices]) : option;
}

/** Adds a flag for every setting to a command. A config (--config) can give them all as well; flags win. */
export function addSettings(command: Command): Command {
  for (const s of flagged) command.addOption(optionOf(s));
  return addPromptFlags(command);
}

export type Tree = { [key: string]: unknown };

/** Puts the flags that were given into a config tree, over what is there. */
export function applyFlags(tree: Tree, options: Readonly<Record<string, unknown>>): Tree {
  const result = structuredClone(tree);
  for (const s of flagged) {
    const raw = options[optionOf(s).attributeName()];
    if (raw === undefined) continue;
    setPath(result, s.path, parseSetting(s, raw));
  }
  const prompts = promptsOf(options.prompt as string[] | undefined, options);
  if (prompts) setPath(result, 'sampling.prompts', prompts);
  return result;
}

function parseSetting(s: Flagged, raw: unknown): unknown {
  switch (s.reader) {
    case 'phases':
      return (raw as string[]).map(parsePhase);
    case 'subset':
      return parseSubset(nameOf(s), raw as string);
    case 'mix':
      return parseMix(nameOf(s), raw as string);
    case 'texts':
      return raw;
  }
  if (s.kind === 'int') return parseInteger(nameOf(s), raw as string);
  return s.kind === 'number' ? parseNumber(nameOf(s), raw as string) : raw;
}

function setPath(tree: Tree, dotted: string, value: unknown): void {
  const keys = dotted.split('.');
  let node = tree;
  for (const key of keys.slice(0, -1)) {
    node[key] ??= {};
    node = node[key] as Tree;
  }
  node[keys[keys.length - 1]!] = value;
}

/** Reads settings from a file, of YAML where its name says so, else of JSON. @throws UsageError when it is missing or has no settings */
export function readConfig(file: string): Tree {
  const isYaml = /\.ya?ml$/i.test(file);
  let parsed: unknown;
  try {
    const text = readTextFile(file);
    parsed = isYaml ? parse(text) : JSON.parse(text);
  } catch (error) {
    // Behind the place YAML's error draws it.
    const [why] = /^.* at line \d+, column \d+(?=:)/.exec(whyOf(error)) ?? [whyOf(error)];
    throw new UsageError(`The config ${file} can't be read: ${why}.`);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new UsageError(
      `The config ${file} ${isYaml ? 'has no settings with their values' : 'is not a JSON object'}.`,
    );
  }
  return parsed as Tree;
}

/** `over` on top of `base`, objects merged key by key, everything else replaced. */
export function merge(base: Tree, over: Tree): Tree {
  const result: Tree = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const both = isTree(result[key]) && isTree(value);
    result[key] = both ? merge(result[key] as Tree, value as Tree) : value;
  }
  return result;
}

const isTree = (x: unknown): x is Tree => typeof x === 'object' && x !== null && !Array.isArray(x);
