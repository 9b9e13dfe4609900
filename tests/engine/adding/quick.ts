import fs from 'node:fs';
import path from 'node:path';
import type { ProductCopy } from './copy.ts';

/** Leaves out of a copy what takes long to compile: kernels for other instruction sets than the plain one, and what compilers make faster. */
export function makeQuickToBuild({ dir }: ProductCopy): void {
  const at = (file: string) => path.join(dir, 'native', file);
  const change = (file: string, before: string | RegExp, after: string) => {
    const old = fs.readFileSync(at(file), 'utf8');
    const made = old.replace(before, after);
    if (made === old) throw new Error(`${file} has no ${before}`);
    fs.writeFileSync(at(file), made);
  };
  for (const name of ['avx2', 'avx512', 'avx512bf16']) fs.rmSync(at(`cpu/isa_${name}.cpp`));
  change('cpu/isa.cpp', /#if defined\(__x86_64__\)[^\n]*/, '#if 0');
  change('compile.ts', "'-O3'", "'-O1'");
}
