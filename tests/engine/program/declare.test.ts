import { describe, expect, it } from 'vitest';
import { attention, packedAttention } from '../../../electron/engine/ops/index.ts';
import { Recorder } from '../../../electron/engine/program/recorder.ts';
import type { Buffer, DType } from '../../../electron/engine/program/types.ts';
import { verify } from '../../../electron/engine/program/verify.ts';

const buffer = (name: string, shape: number[], dtype: DType = 'f32'): Buffer => ({
  name,
  shape,
  dtype,
  role: 'output',
});

/** Two sequences of three tokens and six heads of queries, 4 wide. */
function attend(qkvWidth: number) {
  const r = new Recorder();
  const args = {
    qkv: buffer('qkv', [6, qkvWidth]),
    rng: buffer('rng', [4], 'i32'),
    y: buffer('y', [6, 24]),
    lse: buffer('lse', [2, 6, 3]),
  };
  r.emit(attention, args, { dropout: 0, stream: 0 });
  const program = r.program('attend');
  verify(program);
  return program.calls[0]!.dims;
}

describe('axes that are sums', () => {
  it.each([
    [6, 72],
    [2, 40],
    [1, 32],
  ])('tell %i heads of keys and values of %i columns', (kvHeads, width) => {
    expect(attend(width)).toEqual({ batch: 2, time: 3, heads: 6, kvHeads, headDim: 4 });
  });

  it('refuse columns that are no whole heads', () => {
    expect(() => attend(41)).toThrow(
      /attention: axis 1 of qkv \(qkv\) is 41, not heads\*headDim\+2\*kvHeads\*headDim = 40/,
    );
  });

  it.each([16, 24, 56])('refuse heads that no others divide, of %i columns', (width) => {
    expect(() => attend(width)).toThrow(/6 heads of queries are not divided by (-1|0|4) of keys and values/);
  });

  it('refuse packed rows whose keys are no whole heads', () => {
    const r = new Recorder();
    const args = {
      qkv: buffer('qkv', [5, 12 + 2 * 4]),
      spans: buffer('spans', [5, 3], 'i32'),
      y: buffer('y', [5, 12]),
    };
    r.emit(packedAttention, args, { heads: 2 });
    expect(() => verify(r.program('packed'))).toThrow(/2 heads of queries are not divided by/);
  });
});
