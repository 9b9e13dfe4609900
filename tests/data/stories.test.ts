import { expect, test } from 'vitest';
import { generateStories } from '../../electron/data/stories/index.ts';

const text = generateStories({ seed: 1, bytes: 200_000 });
const stories = text.trim().split('\n\n');

test('the same seed tells the same stories, another one others', () => {
  expect(generateStories({ seed: 1, bytes: 200_000 })).toBe(text);
  expect(generateStories({ seed: 2, bytes: 5000 })).not.toBe(generateStories({ seed: 1, bytes: 5000 }));
  expect(text.startsWith(generateStories({ seed: 1, bytes: 5000 }).trimEnd())).toBe(true);
});

test('they are as long as asked for, and none is told twice', () => {
  expect(text.length).toBeGreaterThanOrEqual(200_000);
  expect(text.length).toBeLessThan(202_000);
  expect(new Set(stories).size).toBe(stories.length);
});

test('they are whole sentences in plain characters', () => {
  for (const story of stories) {
    if (!/^[A-Z"][\x20-\x7e]*[.!?"]$/.test(story)) expect.fail(story);
    if (/ {2}|\bundefined\b|[,.] ?[,.]/.test(story)) expect.fail(story);
    expect((story.match(/"/g) ?? []).length % 2, story).toBe(0);
  }
});

test('an indefinite article fits the word after it', () => {
  for (const story of stories) {
    const wrong = /\b(a (?=[aeiou])|an (?=[^aeiou]))\w+/i.exec(story);
    if (wrong && !/\ba (uni|use|one)/i.test(wrong[0])) expect.fail(`${wrong[0]} in: ${story}`);
  }
});
