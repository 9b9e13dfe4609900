import { randomBytes, randomInt } from 'node:crypto';

const qualities =
  'able amber bold brave brisk bright calm clever cosy crisp eager early fair fleet fond gentle glad golden happy hardy jolly keen kind lively lucky mellow merry mild modest neat noble patient plucky proud quick quiet ready rosy silver smart snug spry steady sunny swift tidy warm wise witty'.split(
    ' ',
  );
const animals =
  'badger beaver bison bobcat crane cricket curlew dolphin dove eagle egret falcon ferret finch fox gecko goose hare hawk heron ibex jackdaw kestrel koala lark lemur linnet lynx magpie marmot marten mole moose newt otter owl panda pika plover puffin quail raven robin seal stoat swan tapir tern vole wren'.split(
    ' ',
  );

const pick = (words: readonly string[]): string => words[randomInt(words.length)]!;

/** A new run's id: easy to say and to type the beginning of, such as `brave-otter-3f2a`. */
export const randomId = (): string => `${pick(qualities)}-${pick(animals)}-${randomBytes(2).toString('hex')}`;

/** Levenshtein distance: single letters inserted, deleted or changed to get from one text to the other. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Those of the names that the wanted one may have meant, best first: they contain it, or at most a third of it differs. */
export function nearest(wanted: string, names: readonly string[], count: number): string[] {
  const text = wanted.toLowerCase();
  const distanceTo = (name: string) => {
    const other = name.toLowerCase();
    if (text !== '' && other.includes(text)) return 0;
    // The beginning of a name may have been meant.
    return Math.min(editDistance(text, other), editDistance(text, other.slice(0, text.length)));
  };
  return names
    .map((name) => ({ name, distance: distanceTo(name) }))
    .filter(({ distance }) => distance <= Math.max(1, text.length / 3))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name);
}
