import { expect, it } from 'vitest';
import { faultsOf, stringsOf } from './strings.ts';

it('finds what people read: sentences in code, text and labels in markup, every value of a text file', () => {
  const code = "import x from 'not this one'; say('one word', `has ${n} of ${m}`, 'id'); type T = 'no type either';";
  expect(stringsOf('a.ts', code)).toEqual(['one word', 'has {} of {}']);
  const page = `<script lang="ts">say('from the script');</script>
    <p class="not this" title="a title">Some {'text here'} <b aria-label={name}>bold</b></p>`;
  expect(stringsOf('a.svelte', page).sort()).toEqual(['Some', 'a title', 'bold', 'from the script']);
  expect(stringsOf('renderer/text.ts', "export const t = { save: 'Save' };")).toEqual(['Save']);
});

it.each([
  ['The run goes on from step 5', /resume/],
  ['Phases that have begun', /start/],
  ['12 MiB of text a second', /per step/],
  ['{} tokens a second', /per step/],
  ['Loading …', /no space/],
  ['{} steps were skipped', /plural/],
  ['Linear warm-up', /warmup/],
  ['It is gone', /not found/],
  ['Prepare the text', /tokenize/],
  ['Saved!', /full stop/],
])('%s is found', (said, fault) => {
  expect(faultsOf(said).join()).toMatch(fault);
});

it.each([
  'Resume continues from the latest checkpoint.',
  '{} tokens/s',
  '{} of {} steps',
  'Loading…',
  'Saved on schedule',
])('%s is left alone', (said) => {
  expect(faultsOf(said)).toEqual([]);
});
