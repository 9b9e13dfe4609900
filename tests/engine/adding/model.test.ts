import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasCpu } from '../devices.ts';
import { copyOfProduct, type ProductCopy } from './copy.ts';

const text = (name: string) => fs.readFileSync(path.join(import.meta.dirname, 'model', name), 'utf8');

/** Leaves out what takes long to compile: kernels for other instruction sets than the plain one, and what compilers make faster. */
function makeQuickToBuild({ dir }: ProductCopy): void {
  const native = path.join(dir, 'native');
  for (const name of ['avx2', 'avx512', 'avx512bf16']) fs.rmSync(path.join(native, `cpu/isa_${name}.cpp`));
  const isWanted = (name: string) => name.endsWith('.ts') || name === 'cpu/isa.cpp';
  for (const name of fs.readdirSync(native, { recursive: true, encoding: 'utf8' }).filter(isWanted)) {
    const file = path.join(native, name);
    const text = fs.readFileSync(file, 'utf8').replaceAll("'-O3'", "'-O1'");
    fs.writeFileSync(file, text.replace(/#if defined\(__x86_64__\)[^\n]*/, '#if 0'));
  }
}

interface Trained {
  readonly slopes: readonly { readonly name: string; readonly gradient: number; readonly numeric: number }[];
  /** Losses of tokens: of whole sequences, packed, and token by token on a cache. */
  readonly whole: readonly number[];
  readonly packed: readonly number[];
  readonly cached: readonly number[];
  readonly losses: readonly number[];
}

describe.skipIf(!hasCpu || process.platform === 'win32')('a model family and ops that are added', () => {
  it('are a file each, and a line of a registry: they train on the processor', { timeout: 1_800_000 }, async () => {
    const copy = copyOfProduct(['native/build']);
    makeQuickToBuild(copy);
    copy.add('electron/engine/models/toy/index.ts', text('family.ts.txt'));
    const models = 'electron/engine/models/index.ts';
    copy.change(models, 'families = [gpt2]', 'families = [gpt2, toy]');
    copy.change(
      models,
      "import { gpt2 } from './gpt2/index.ts';",
      "import { gpt2 } from './gpt2/index.ts';\nimport { toy } from './toy/index.ts';",
    );
    const ops = 'electron/engine/ops/index.ts';
    for (const op of ['rmsNorm', 'swiGlu']) {
      copy.add(`electron/engine/ops/${op}.ts`, text(`${op}.ts.txt`));
      copy.add(`native/cpu/ops/${op}.inl.h`, text(`${op}.inl.h`));
      copy.change(ops, "export * from './rotary.ts';", `export * from './rotary.ts';\nexport * from './${op}.ts';`);
    }
    copy.add('trained.ts', text('trained.ts.txt'));

    expect(await copy.run('native/build.ts', 'cpu')).toMatchObject({ code: 0 });
    const { stdout, stderr } = await copy.run('trained.ts');
    expect(stderr).toBe('');
    const { slopes, whole, packed, cached, losses } = JSON.parse(stdout) as Trained;
    for (const { name, gradient, numeric } of slopes) {
      expect(gradient, name).toBeGreaterThan(1e-3);
      expect(Math.abs(numeric / gradient - 1), name).toBeLessThan(1e-3);
    }
    for (const other of [packed, cached]) {
      const difference = Math.max(...whole.map((loss, i) => Math.abs(loss - other[i]!)));
      expect(difference).toBeLessThan(1e-5);
    }
    expect(losses[0]).toBeGreaterThan(3.5);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 10);

    expect(copy.changed().sort()).toEqual([models, ops]);
  });
});
