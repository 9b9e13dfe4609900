import { createHash } from 'node:crypto';
import path from 'node:path';
import { UsageError } from '../../base/errors.ts';
import type { TokenizerName } from '../tokenizers/index.ts';

/** Bytes of a name at most: file systems take 255, and what a dataset is made in has a longer name. */
const maxBytes = 200;
const stemCharacters = 40;
/** Windows keeps these for devices, whatever ending they have. */
const reserved = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** The beginning of a dataset's name that a file gives it: letters and digits of any script stay. */
export function stemOf(fileStem: string, otherwise: string): string {
  const plain = fileStem
    .normalize('NFC')
    .replace(/[^\p{L}\p{M}\p{N}_-]+/gu, '-')
    // A mark alone would be drawn over what precedes it; behind a dash it would be a flag.
    .replace(/^[-\p{M}]+/u, '');
  return [...plain].slice(0, stemCharacters).join('') || otherwise;
}

/** A name for what is made from `key`: the same key, the same name. */
export const automaticName = (stem: string, tokenizer: TokenizerName, key: string): string =>
  `${stem}-${tokenizer}-${key.slice(0, 8)}`;

/** What tells apart what datasets are made from. */
export const keyOf = (made: unknown): string => createHash('sha256').update(JSON.stringify(made)).digest('hex');

/** @throws UsageError for a name that a dataset can't have */
export function requireName(name: string): string {
  const say = (why: string): never => {
    throw new UsageError(`A dataset can't be named "${name}": ${why}.`);
  };
  const plain = name.normalize('NFC');
  if (!/^[\p{L}\p{N}_][\p{L}\p{M}\p{N}_.-]*$/u.test(plain))
    say('a name has letters, digits, "_", "-" and ".", and starts with a letter, a digit or "_"');
  if (plain.endsWith('.')) say('it ends with a dot');
  if (reserved.test(plain)) say('Windows keeps that name for a device');
  if (Buffer.byteLength(plain) > maxBytes) say(`it has more than ${maxBytes} bytes`);
  return plain;
}

/** A file's name without its last ending, or all of its endings. */
export const fileStem = (file: string, endings: 'last' | 'all'): string =>
  endings === 'last' ? path.parse(file).name : path.basename(file).split('.')[0]!;
