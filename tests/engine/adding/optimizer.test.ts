import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageFile } from '../../../electron/base/paths.ts';
import { jsonLines } from '../../cli/run.ts';
import { hasCpu } from '../devices.ts';
import { copyOfProduct } from './copy.ts';
import { makeQuickToBuild } from './quick.ts';

const text = (name: string) => fs.readFileSync(path.join(import.meta.dirname, 'optimizer', name), 'utf8');

/** Where kernels of the processor are listed by hand: file, what stands there, what is to stand there. None where the build lists them. */
const byHand = [
  ['native/cpu/kernels.h', '#include "gemm.h"\n', '#include "calls.h"\n#include "gemm.h"\n'],
  [
    'native/cpu/kernels.h',
    '  void (*fmaPeak)(',
    '  void (*lion)(const LionCall& call, Pool& pool);\n  void (*fmaPeak)(',
  ],
  ['native/cpu/isa.inl.h', '#include "ops/lowBit.inl.h"\n', '#include "ops/lowBit.inl.h"\n#include "ops/lion.inl.h"\n'],
  ['native/cpu/isa.inl.h', 'fmaPeak,\n', 'run, fmaPeak,\n'],
  [
    'native/cpu/execute.cpp',
    '    case Kind::pageIn: {\n',
    '    case Kind::lion: return k.lion(LionCall::from(call), pool);\n    case Kind::pageIn: {\n',
  ],
] as const;
const lists = fs.existsSync(packageFile(byHand[4][0])) ? byHand : [];

interface Followed {
  readonly losses: readonly number[];
  readonly compared: number;
  readonly different: number;
  readonly views: readonly { readonly kind: string; readonly about: string; readonly lowBit: boolean }[];
  readonly taken: readonly number[];
}

describe.skipIf(!hasCpu || process.platform === 'win32')('an optimizer that is added', () => {
  it(
    'is a file, its kernel and its place in the registry: it trains on the processor',
    { timeout: 1_800_000 },
    async () => {
      const copy = copyOfProduct(['native/build']);
      makeQuickToBuild(copy);
      copy.add('electron/engine/optimizers/lion.ts', text('lion.ts.txt'));
      copy.add('native/cpu/ops/lion.inl.h', text('lion.inl.h'));
      const registry = 'electron/engine/optimizers/index.ts';
      copy.change(
        registry,
        'import type { LowBitStates }',
        "import { lion } from './lion.ts';\nimport type { LowBitStates }",
      );
      copy.change(registry, '  adamw4bit, //\n', '  adamw4bit,\n  lion,\n');
      for (const [listed, before, after] of lists) copy.change(listed, before, after);
      expect(await copy.run('native/build.ts', 'cpu')).toMatchObject({ code: 0 });

      // Its kernel does what the paper says, to the bit.
      copy.add('followed.ts', text('followed.ts.txt'));
      const home = path.join(copy.dir, 'home');
      const followed = await copy.run('followed.ts', home);
      expect(followed.stderr).toBe('');
      const { losses, compared, different, views, taken } = JSON.parse(followed.stdout) as Followed;
      expect({ compared: compared > 1e6, different }).toEqual({ compared: true, different: 0 });
      expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.3);
      // The page offers it.
      expect(views.at(-1)).toEqual({
        kind: 'lion',
        label: 'Lion',
        about: 'Lion with its momentum in float32',
        lowBit: false,
      });
      // Whoever takes its states over divides by what no momentum can exceed.
      expect(taken).toEqual([9, 0]);

      // A run is trained with it by its flags, and switched to another one and back, without weights that jump.
      const file = path.join(copy.dir, 'text.txt');
      fs.writeFileSync(file, 'The lion and the lamb shall lie down together. '.repeat(300));
      const shape =
        '--layers 1 --heads 2 --width 32 --context 16 --batch 4 --sample-tokens 0 --tokenizer bytes --threads 2';
      const phases = ['constant:20:1e-3', 'constant:20:1e-3:adamw', 'constant:20:1e-3:lion'].flatMap((p) => [
        '--phase',
        p,
      ]);
      const own = ['--optimizer', 'lion', '--lion-beta2', '0.98', '--device', 'cpu', '--checkpoint-every', '5'];
      const args = ['train', '--text', file, ...shape.split(' '), ...phases, ...own, '--json'];
      const trained = await copy.cli('--home', home, ...args);
      expect(trained.stderr).toBe('');
      const events = jsonLines(trained.stdout);
      expect(
        events.filter((e) => e.type === 'optimizer').map(({ from, to }) => `${String(from)} to ${String(to)}`),
      ).toEqual(['lion to adamw', 'adamw to lion']);
      expect(events.filter((e) => e.type === 'weightJump' || e.type === 'lostMoments')).toEqual([]);
      const course = events.filter((e) => e.type === 'metrics').map((e) => e.loss as number);
      expect(course.length).toBe(60);
      for (const end of [19, 39, 59]) expect(course[end]!, `step ${end + 1}`).toBeLessThan(course[end - 19]! - 0.1);
      const [run] = fs.readdirSync(path.join(home, 'runs'));
      const shown = await copy.cli('--home', home, 'show', run!, '--json');
      expect(JSON.parse(shown.stdout)).toMatchObject({
        run: { config: { optimizer: { kind: 'lion', lionBeta2: 0.98 } } },
      });

      // Help and the calculator know it: half of AdamW's states.
      expect((await copy.cli('train', '--help')).stdout).toMatch(/--lion-beta2 <x>\s+Lion β2 \(0\.99\)/);
      const planned = async (kind: string) => {
        const { stdout } = await copy.cli('fit', '--layers', '2', '--optimizer', kind, '--json');
        return (JSON.parse(stdout) as { roleBytes: { optimizer: number } }).roleBytes.optimizer;
      };
      expect((await planned('adamw')) / (await planned('lion'))).toBeCloseTo(2, 2);

      // Of the product two files are new, and beside the registry only lists of native kernels have changed.
      expect(copy.changed()).toEqual([registry, ...new Set(lists.map(([listed]) => listed))]);
      const added = copy.added().filter((file) => file !== 'followed.ts');
      expect(added).toEqual(['electron/engine/optimizers/lion.ts', 'native/cpu/ops/lion.inl.h']);
    },
  );
});
