import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { lack, where } from '../../frame/needs.ts';

const objects = path.resolve(import.meta.dirname, '../../../native/build/objects');
const kernels = fs.existsSync(objects) ? fs.readdirSync(objects).filter((f) => /isa_.*\.o$/.test(f)) : [];
const undefinedSymbols = (file: string): string[] =>
  spawnSync('nm', ['-u', path.join(objects, file)], { encoding: 'utf8' }).stdout.split(/\s+/);
const hasNm = kernels.length > 0 && spawnSync('nm', ['--version']).status === 0;

// malloc, calloc, realloc, aligned_alloc, posix_memalign, and every form of operator new.
const allocator =
  /^_?(malloc|calloc|realloc|reallocarray|aligned_alloc|posix_memalign|memalign|valloc|mmap|_?_Zn[wa].*)$/;

where(it, [hasNm, lack.nm]).each(kernels)('%s can allocate nothing: no kernel knows an allocator', (file) => {
  expect(undefinedSymbols(file).filter((symbol) => allocator.test(symbol))).toEqual([]);
});

it('would see one', () => {
  for (const symbol of ['malloc', '_Znwm', '_ZnamSt11align_val_t', 'posix_memalign']) expect(symbol).toMatch(allocator);
  expect('memcpy').not.toMatch(allocator);
});
