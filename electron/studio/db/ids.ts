import { randomInt } from 'node:crypto';

const adjectives = [
  'amber',
  'brave',
  'calm',
  'clever',
  'eager',
  'fair',
  'gentle',
  'happy',
  'keen',
  'lucky',
  'merry',
  'noble',
  'proud',
  'quick',
  'sunny',
  'swift',
];
const animals = [
  'badger',
  'crane',
  'dolphin',
  'falcon',
  'fox',
  'hare',
  'heron',
  'lynx',
  'marten',
  'otter',
  'owl',
  'robin',
  'seal',
  'stork',
  'swan',
  'wren',
];

/** A new run's id, easy to read out: `brave-otter-3f2a`. */
export function newRunId(): string {
  const pick = (words: string[]) => words[randomInt(words.length)]!;
  return `${pick(adjectives)}-${pick(animals)}-${randomInt(0x10000).toString(16).padStart(4, '0')}`;
}
