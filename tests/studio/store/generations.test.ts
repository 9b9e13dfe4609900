import { expect, it, onTestFinished } from 'vitest';
import { Studio } from '../../../electron/studio/studio.ts';
import { tempDir } from '../../temp.ts';

function open(home = tempDir()): Studio {
  const studio = Studio.open(home);
  onTestFinished(() => studio.close());
  return studio;
}

const generation = (text: string, changes: object = {}) => ({
  ...{ run: 'calm-otter-1a2b', name: 'otter', step: 5, prompt: 'Once', text, settings: { seed: 7 } },
  ...{ notices: ['full'], tokens: [{ text, rank: 1 }], ...changes },
});

it('keeps generated texts over a restart, the latest first, with their tokens', () => {
  const first = Studio.open(tempDir());
  const ids = ['one', 'two', 'three'].map((text) => first.store.generations.add(generation(text)));
  first.close();
  const { store } = open(first.home);
  const found = store.generations.list({ limit: 2 });
  expect(found.map(({ text }) => text)).toEqual(['three', 'two']);
  const { tokens, ...kept } = generation('three');
  expect(found[0]).toEqual({ ...kept, id: ids[2], time: expect.any(Number) as number });
  expect(store.generations.list({ limit: 2, before: ids[1]! }).map(({ text }) => text)).toEqual(['one']);
  expect(store.generations.tokens(ids[2]!)).toEqual(tokens);
});

it('filters them by run, and by what prompt or text contain, whatever is in that', () => {
  const { store } = open();
  store.generations.add(generation('100% of_it'));
  store.generations.add(generation('Other words', { run: 'b', prompt: 'a\\b' }));
  const texts = (contains: string, run?: string) =>
    store.generations.list({ limit: 10, contains, ...(run ? { run } : {}) }).map(({ text }) => text);
  expect(texts('')).toEqual(['Other words', '100% of_it']);
  expect(texts('', 'b')).toEqual(['Other words']);
  expect(texts('0%')).toEqual(['100% of_it']);
  expect(texts('%')).toEqual(['100% of_it']);
  expect(texts('f_i')).toEqual(['100% of_it']);
  expect(texts('OTHER')).toEqual(['Other words']);
  expect(texts('a\\b')).toEqual(['Other words']);
  expect(texts('once', 'b')).toEqual([]);
});

it('forgets what is asked, and what is too old; ids are never used again', () => {
  const { store } = open();
  const ids = Array.from({ length: 1003 }, (_, i) => store.generations.add(generation(`text ${i}`)));
  const all = store.generations.list({ limit: 2000 });
  expect([all.length, all.at(-1)!.text]).toEqual([1000, 'text 3']);
  store.generations.remove([ids[10]!, ids[1002]!]);
  expect(store.generations.list({ limit: 2000 })).toHaveLength(998);
  expect(store.generations.tokens(ids[10]!)).toBeUndefined();
  store.generations.remove();
  expect(store.generations.list({ limit: 1 })).toEqual([]);
  expect(store.generations.add(generation('new'))).toBeGreaterThan(ids[1002]!);
});
