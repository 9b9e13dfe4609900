import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { runGpuBench } from '../../electron/cli/benchGpu.ts';
import type { BenchedStep, GpuBench, GpuStep } from '../../electron/engine/bench/gpu.ts';
import { Pytorch, pytorchScript } from '../../electron/engine/bench/pytorch.ts';
import { moduleReserve } from '../../electron/engine/devices/gpu.ts';
import { tempDir } from '../temp.ts';
import { createPlayedGpu, hasEmulator } from './gpu.ts';
import { printed } from './printed.ts';
import { lack, where } from '../frame/needs.ts';

const found = { torch: '2.9.1+cu130', gpu: 'NVIDIA H100' };
const result = {
  ...found,
  tokensPerSecond: 1e-3,
  seconds: 1,
  peakBytes: 2 ** 30,
  reservedBytes: 2 ** 31,
  compiled: true,
};
const model = { vocabSize: 65, contextLength: 16, nLayer: 1, nHead: 2, nEmbd: 32, dropout: 0 };
const step: GpuStep = { model, batch: 1, time: 16, precision: 'bf16', besidePytorch: true };

/** A program in Python's place. @param body what it does with `args`; it is to call `say` */
function fakePython(body: string): { file: string; calls: () => string[][] } {
  const [file, log] = ['python', 'log'].map((name) => path.join(tempDir(), name)) as [string, string];
  const script = `#!${process.execPath}
const args = process.argv.slice(2);
require('node:fs').appendFileSync(${JSON.stringify(log)}, JSON.stringify(args) + '\\n');
const say = (what) => console.log(JSON.stringify(what));
const isCheck = args.includes('--check');
${body}
`;
  fs.writeFileSync(file, script, { mode: 0o755 });
  return {
    file,
    calls: () =>
      fs
        .readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as string[]),
  };
}

const right = `if (isCheck) say(${JSON.stringify(found)});
else { console.log('warming up'); console.error('a warning'); say(${JSON.stringify(result)}); }`;

describe('PyTorch', () => {
  it('is asked for the shape of a step, and answers with its speed', async () => {
    const python = fakePython(right);
    const pytorch = new Pytorch(python.file, { gpu: 1 });
    expect(await pytorch.find()).toEqual(found);
    expect(await pytorch.time({ ...step, batch: 12, time: 8 }, 5, { tf32: true })).toEqual(result);
    const [check, timed] = python.calls();
    expect(check).toEqual([pytorchScript, '--gpu', '1', '--check']);
    expect(timed!.join(' ')).toBe(
      `${pytorchScript} --gpu 1 --layers 1 --heads 2 --width 32 --vocab 65 --batch 12 --time 8 --precision bf16 --rounds 5 --tf32`,
    );
  });

  it('is told of the processor, and not to compile', async () => {
    const python = fakePython(right);
    await new Pytorch(python.file, { threads: 2 }).time(step, 1, { compile: false });
    expect(python.calls()[0]!.join(' ')).toMatch(/pytorch_gpt2\.py --cpu --threads 2 .* --rounds 1 --no-compile$/);
  });

  it.each([
    ['tells what it lacks', `say({ error: 'no torch here' }); process.exit(1);`, /^no torch here$/],
    [
      'throws',
      `console.error('Traceback\\n  line 1\\nRuntimeError: broken'); process.exit(1);`,
      /failed: RuntimeError: broken$/,
    ],
    ['is killed', `process.kill(process.pid, 'SIGKILL');`, /failed: it ended with SIGKILL$/],
    ['gives half an answer', `say({ torch: '2' });`, /gave no result/],
    ['gives none', ``, /gave no result/],
  ])('that %s fails in one line', async (_, body, why) => {
    const failure = new Pytorch(fakePython(body).file, { gpu: 0 }).time(step, 1);
    await expect(failure).rejects.toThrow(why);
    await expect(failure).rejects.toMatchObject({ name: 'UserError', message: expect.not.stringContaining('\n') });
  });

  it('needs a Python', async () => {
    const missing = path.join(tempDir(), 'python');
    await expect(new Pytorch(missing, { gpu: 0 }).find()).rejects.toThrow(`${missing} can't be started (ENOENT)`);
  });
});

describe('the script', () => {
  const python = ['python3', 'python'].find((p) => spawnSync(p, ['--version']).status === 0);

  where(it, [python !== undefined, lack.python])('is Python', () => {
    const compiled = path.join(tempDir(), 'compiled.pyc');
    const program = 'import py_compile, sys; py_compile.compile(sys.argv[1], cfile=sys.argv[2], doraise=True)';
    execFileSync(python!, ['-c', program, pytorchScript, compiled]);
    expect(fs.existsSync(compiled)).toBe(true);
  });

  where(it, [python !== undefined, lack.python])('says in one line where there is no PyTorch', () => {
    // Without the packages that are installed.
    const { status, stdout } = spawnSync(python!, ['-I', '-S', pytorchScript, '--check'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(JSON.parse(stdout)).toEqual({ error: expect.stringMatching(/^PyTorch can't be imported by .*torch/) });
  });
});

where(describe, [hasEmulator, lack.emulator])('bench --device cuda --pytorch', () => {
  const bench = async (python: string, steps: readonly GpuStep[], json = true) => {
    const memoryBytes = moduleReserve + 2 ** 23;
    const device = createPlayedGpu({ order: 'forward', library: null, memoryBytes });
    const { freeBytes } = device.memory();
    const { text, result } = await printed(() =>
      runGpuBench({ ordinal: 0, tf32: false, rounds: 1, json, python, steps, device }),
    );
    expect(device.memory().freeBytes).toBe(freeBytes);
    return { ok: result, text };
  };
  const stepsOf = (text: string) => (JSON.parse(text) as GpuBench).steps as readonly BenchedStep[];

  it('times the steps that are GPT-2 124M in both, one behind the other', async () => {
    const python = fakePython(right);
    const { ok, text } = await bench(python.file, [step, { ...step, besidePytorch: false }, step]);
    const [first, other, last] = stepsOf(text);
    for (const { pytorch, tokensPerSecond } of [first!, last!]) {
      expect(pytorch).toMatchObject({ torch: '2.9.1+cu130', tokensPerSecond: 1e-3 });
      expect((pytorch as { ratio: number }).ratio).toBeCloseTo(tokensPerSecond * 1000, 6);
    }
    expect(other).not.toHaveProperty('pytorch');
    expect(python.calls()).toHaveLength(3);
    expect(ok).toBe(true);
  });

  it('prints which PyTorch, and the ratio', async () => {
    const { text } = await bench(fakePython(right).file, [step], false);
    expect(text).toMatch(/^beside PyTorch 2\.9\.1\+cu130 on NVIDIA H100$/m);
    expect(text).toMatch(/^PyTorch \(compiled\): 0 tokens\/s, 1\.00 GiB at most; this is \d+\.\d\d × as fast$/m);
  });

  it('times nothing where there is none, and says so in one line', async () => {
    const missing = path.join(tempDir(), 'python');
    const without = fakePython(`say({ error: "PyTorch can't be imported" }); process.exit(1);`);
    for (const [python, why] of [
      [missing, "can't be started (ENOENT)"],
      [without.file, "PyTorch can't be imported"],
    ] as const) {
      const failure = bench(python, [step]);
      await expect(failure).rejects.toThrow(`--pytorch ${python}: `);
      await expect(failure).rejects.toThrow(`${why}. Name a Python whose PyTorch sees the GPU`);
      await expect(failure).rejects.toMatchObject({ name: 'UserError', message: expect.not.stringContaining('\n') });
    }
    expect(without.calls()).toHaveLength(1);
  });

  it('keeps its own numbers where PyTorch fails of a step, and fails', async () => {
    const python = fakePython(
      `if (isCheck) say(${JSON.stringify(found)}); else { say({ error: 'out of memory' }); process.exit(1); }`,
    );
    const { ok, text } = await bench(python.file, [step]);
    expect(stepsOf(text)[0]).toMatchObject({
      tokensPerSecond: expect.any(Number),
      pytorch: { error: 'out of memory' },
    });
    expect(ok).toBe(false);
  });
});
