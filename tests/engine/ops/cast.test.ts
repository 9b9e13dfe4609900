import { describe, expect, it } from 'vitest';
import { createCpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { fromHalves, toHalves } from '../../../electron/base/halves.ts';
import { cast, dropout } from '../../../electron/engine/ops/index.ts';
import { plan } from '../../../electron/engine/program/planner.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import type { Buffer, DType } from '../../../electron/engine/program/types.ts';
import { hasCpu } from '../devices.ts';
import { lack, where } from '../../frame/needs.ts';

const buffer = (name: string, shape: number[], dtype: DType): Buffer => ({ name, shape, dtype, role: 'output' });

/** Every number of 16 bits, what lies half-way to the next one, and the floats beside those. */
function edges(dtype: 'bf16' | 'f16'): Float32Array {
  const all = fromHalves(
    Uint16Array.from({ length: 65536 }, (_, i) => i),
    dtype,
  );
  const bits = new Uint32Array(all.buffer);
  const half = dtype === 'bf16' ? 0x8000 : 0x1000;
  const values = new Uint32Array(65536 * 5);
  for (const [k, offset] of [0, half - 1, half, half + 1, 1].entries()) {
    for (let i = 0; i < 65536; i++) values[k * 65536 + i] = bits[i]! + offset;
  }
  // And what lies between the subnormal numbers of binary16.
  const tiny = Float32Array.from({ length: 4096 }, (_, i) => (i - 2048) * 2 ** -26);
  return concatenated(new Float32Array(values.buffer), tiny, Float32Array.of(65519.996, 65520, -65520, 1e38, 3.4e38));
}

function concatenated(...parts: Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function open(isa: string) {
  try {
    return createCpuDevice({ isa, threads: 2 });
  } catch {
    return undefined;
  }
}

where(describe, [hasCpu, lack.cpu]).each(['portable', 'avx2', 'avx512', 'neon'])('%s kernels', (isa) => {
  const device = hasCpu ? open(isa) : undefined;

  where(it, [device !== undefined, `a processor with ${isa}`]).each(['bf16', 'f16'] as const)(
    'round to %s as IEEE says, every bit',
    async (dtype) => {
      const values = edges(dtype);
      const [x, y] = [buffer('x', [values.length], 'f32'), buffer('y', [values.length], dtype)];
      const r = new Recorder();
      r.emit(cast, { x, y });
      const program = r.program('cast');
      const session = await device!.load([program], plan([program]));
      session.write(x, values);
      await session.run(program);
      const actual = session.read(y) as Uint16Array;
      session.close();
      const expected = toHalves(values, dtype);
      const wrong = actual.findIndex((bits, i) => bits !== expected[i]);
      if (wrong >= 0) expect.fail(`${values[wrong]} became ${actual[wrong]}, not ${expected[wrong]}`);
    },
  );

  where(it, [device !== undefined, `a processor with ${isa}`]).each(['bf16', 'f16'] as const)(
    'widen %s exactly',
    async (dtype) => {
      // Dropout that drops nothing is x as it is: widened, multiplied by 1, rounded back.
      const n = 65536;
      const [x, y] = [buffer('x', [n, 1], dtype), buffer('y', [n, 1], dtype)];
      const r = new Recorder();
      r.emit(dropout, { x, rng: buffer('rng', [4], 'i32'), y }, { dropout: 0, stream: 0 });
      const program = r.program('copy');
      const session = await device!.load([program], plan([program]));
      const bits = Uint16Array.from({ length: n }, (_, i) => i);
      session.write(x, bits);
      await session.run(program);
      const actual = fromHalves(session.read(y) as Uint16Array, dtype);
      session.close();
      const expected = fromHalves(bits, dtype);
      const wrong = actual.findIndex((value, i) => !Object.is(value, expected[i]));
      if (wrong >= 0) expect.fail(`the bits ${wrong} became ${actual[wrong]}, not ${expected[wrong]}`);
    },
  );
});
