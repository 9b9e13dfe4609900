import { expect, it } from 'vitest';
import { wrongNames } from './words.ts';

const found = (file: string, text: string): [string, string][] => [...wrongNames(file, text)];

it('finds the words in names of all languages, whatever they are joined with', () => {
  expect(found('a.ts', 'class A { #mostRows = 1; usual_device(toldAll: number) {} }')).toEqual([
    ['#mostRows', 'most'],
    ['usual_device', 'usual'],
    ['toldAll', 'told'],
  ]);
  expect(found('a.svelte', '<script lang="ts">let begun = 1;</script><p>what has begun</p>')).toEqual([
    ['begun', 'begun'],
  ]);
  expect(found('a.cpp', 'constexpr int kMostRows = 1; gpu.rehearse();')).toEqual([
    ['kMostRows', 'most'],
    ['rehearse', 'rehearse'],
  ]);
});

it('lets people write as they like', () => {
  expect(found('a.ts', "// most of it is told\nconst almost = 'the least'; const text = `${almost} told`;")).toEqual(
    [],
  );
  expect(found('a.h', '/* the usual */ int foremost = 0;  // told')).toEqual([]);
});
