import { expect, it } from 'vitest';
import { pastedPath } from '../../renderer/ui/pastedPath.ts';

it.each([
  ['  /a/my story.txt \r\n', '/a/my story.txt'],
  ['"C:\\texts\\my story.txt"', 'C:\\texts\\my story.txt'],
  ["'/a/b.txt'", '/a/b.txt'],
  ['/a/"b".txt', '/a/"b".txt'],
  ['"', '"'],
  ['file:///a/my%20story.txt', '/a/my story.txt'],
  ['file:///C:/texts/a.txt', 'C:/texts/a.txt'],
  ['file:///a/100%.txt', 'file:///a/100%.txt'],
  ['https://example.org/a.txt', 'https://example.org/a.txt'],
])('%j pasted as a path means %j', (pasted, path) => expect(pastedPath(pasted)).toBe(path));
