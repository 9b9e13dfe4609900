import { expect, it } from 'vitest';
import { faultsOf, plainNumbersOf, stringsOf } from './strings.ts';

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

it.each([
  ['renderer/pages/x/text.ts', 'export const t = { far: (done: number, of: string) => `${done} of ${of}` };', 'done'],
  ['renderer/pages/x/text.ts', 'const t = { more: (n: number) => `a${n > 0 ? `, ${n} more` : ``}` };', 'n'],
  ['electron/cli/x.ts', 'show(`${update.done} of ${total} items`);', 'done'],
  ['electron/cli/x.ts', 'show(`all of ${names.length} runs`);', 'length'],
  ['electron/cli/x.ts', 'show(`saved at step ${run.step}`);', 'step'],
  ['x.svelte', '<script lang="ts">let a = [];</script><td class={a.length}>{a.length}</td>', '{a.length}'],
  ['x.svelte', '<i title="{count} of many"></i>', '{count}'],
])('in %s, %s has a number without separators', (file, code, found) => {
  expect(plainNumbersOf(file, code).map((said) => said.split(' in ')[0])).toEqual([found]);
});

it.each([
  ['renderer/pages/x/text.ts', 'const t = { far: (done: string, n: number) => `${done}, ${formatCount(n)}` };'],
  ['renderer/pages/x/text.ts', 'const t = { making: (pid: number) => `in process ${pid}` };'],
  ['electron/cli/x.ts', "show(`${formatCount(done)} of ${plural(total, 'item')}`, `port ${port}`);"],
  ['x.svelte', '{formatCount(a.length)}{xText.count}{#if a.length > 0}<p id={count}></p>{/if}'],
])('in %s, %s has none', (file, code) => {
  expect(plainNumbersOf(file, code)).toEqual([]);
});
