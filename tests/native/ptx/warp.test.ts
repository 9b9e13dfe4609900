import { describe, expect, it } from 'vitest';
import { toHalves } from '../../../electron/base/halves.ts';
import { hasInterpreter, interpret, kernel } from './interpreter.ts';
import { lack, where } from '../../frame/needs.ts';

const lanes = Array.from({ length: 32 }, (_, lane) => lane);

/** Where a lane's words of `words` each lie, in %d8 of memory `of`. */
const ownWords = (of: number, words: number) => `
  mul.wide.u32 %d7, %r0, ${4 * words};
  add.s64 %d8, %d${of}, %d7;`;

/** Shuffles as CUDA's programming guide has them for warps that are split into segments of `width` lanes. */
const shuffles: Record<string, { clamp: number; source(lane: number, by: number, width: number): number }> = {
  up: { clamp: 0, source: (lane, by, width) => (lane % width >= by ? lane - by : lane) },
  down: { clamp: 31, source: (lane, by, width) => ((lane % width) + by < width ? lane + by : lane) },
  // From segments before one's own, too, and none behind it.
  bfly: { clamp: 31, source: (lane, by, width) => ((lane ^ by) < lane - (lane % width) + width ? lane ^ by : lane) },
  idx: { clamp: 31, source: (lane, by, width) => lane - (lane % width) + (by % width) },
};

where(describe, [hasInterpreter, lack.interpreter])('a warp of PTX', () => {
  const settings = Object.keys(shuffles).flatMap((kind) =>
    [1, 3, 16].flatMap((by) => [32, 8].map((width) => ({ kind, by, width }))),
  );
  it.each(settings)('shuffles: $kind by $by within $width', ({ kind, by, width }) => {
    const { clamp, source } = shuffles[kind]!;
    const out = new Uint32Array(64);
    const body = `${ownWords(0, 2)}
  add.s32 %r1, %r0, 100;
  shfl.sync.${kind}.b32 %r2|%p0, %r1, ${by}, ${((32 - width) << 8) | clamp}, -1;
  selp.u32 %r3, 1, 0, %p0;
  st.global.v2.u32 [%d8], {%r2, %r3};`;
    interpret(kernel(1, body), {}, [out]);
    const sources = lanes.map((lane) => source(lane, by, width));
    expect([...out].filter((_, i) => i % 2 === 0)).toEqual(sources.map((lane) => lane + 100));
    if (kind !== 'idx')
      expect([...out].filter((_, i) => i % 2 === 1)).toEqual(sources.map((s, lane) => Number(s !== lane)));
  });

  it('shuffles among the lanes of a mask, while others do something else', () => {
    const out = new Uint32Array(32);
    const body = `${ownWords(0, 1)}
  and.b32 %r1, %r0, 1;
  setp.eq.s32 %p0, %r1, 1;
  mov.u32 %r2, 7;
  @%p0 shfl.sync.bfly.b32 %r2|%p1, %r0, 2, 31, 0xaaaaaaaa;
  st.global.u32 [%d8], %r2;`;
    interpret(kernel(1, body), {}, [out]);
    expect([...out]).toEqual(lanes.map((lane) => (lane % 2 ? lane ^ 2 : 7)));
  });

  it('votes', () => {
    const out = new Uint32Array(96);
    const body = `${ownWords(0, 3)}
  rem.u32 %r1, %r0, 3;
  setp.eq.s32 %p0, %r1, 0;
  vote.sync.ballot.b32 %r2, %p0, -1;
  vote.sync.any.pred %p1, %p0, -1;
  vote.sync.all.pred %p2, %p0, -1;
  selp.u32 %r3, 1, 0, %p1;
  selp.u32 %r4, 1, 0, %p2;
  st.global.u32 [%d8], %r2;
  st.global.u32 [%d8+4], %r3;
  st.global.u32 [%d8+8], %r4;`;
    interpret(kernel(1, body), {}, [out]);
    expect([...out]).toEqual(lanes.flatMap(() => [0b01001001001001001001001001001001, 1, 0]));
  });

  it('adds and compares atomically, and says what was there before', () => {
    const at = Int32Array.of(5, -1000);
    const before = new Uint32Array(64);
    const body = `
  atom.global.add.u32 %r1, [%d0], 2;
  sub.s32 %r2, 0, %r0;
  red.global.max.s32 [%d0+4], %r2;${ownWords(1, 1)}
  st.global.u32 [%d8], %r1;`;
    interpret(kernel(2, body), { threads: 64, order: 'random' }, [at, before]);
    expect([...at]).toEqual([5 + 128, 0]);
    expect([...before].sort((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, i) => 5 + 2 * i));
  });

  it('copies as many bytes as it is told, and fills the rest with zeros, when they are waited for', () => {
    const source = Uint32Array.from({ length: 128 }, (_, i) => i + 1);
    const out = new Uint32Array(128);
    const body = `
  mov.u32 %r1, room;
  shl.b32 %r2, %r0, 4;
  add.s32 %r3, %r1, %r2;
  mul.wide.u32 %d2, %r0, 16;
  add.s64 %d3, %d0, %d2;
  and.b32 %r4, %r0, 7;
  min.u32 %r4, %r4, 4;
  shl.b32 %r5, %r4, 2;
  cp.async.cg.shared.global.L2::128B [%r3], [%d3], 16, %r5;
  cp.async.commit_group;
  cp.async.cg.shared.global.L2::128B [%r3+512], [%d3], 16;
  cp.async.commit_group;
  cp.async.wait_group 1;
  ld.shared.v4.u32 {%r10, %r11, %r12, %r13}, [%r3];
  add.s64 %d4, %d1, %d2;
  st.global.v4.u32 [%d4], {%r10, %r11, %r12, %r13};
  cp.async.wait_group 0;`;
    interpret(kernel(2, body), { sharedBytes: 1024 }, [source, out]);
    expect([...out]).toEqual([...source].map((x, i) => (i % 4 < Math.min(Math.floor(i / 4) % 8, 4) ? x : 0)));
  });

  it.each([false, true])('loads four matrices of 8 × 8 (transposed: %s)', (isTransposed) => {
    // Number 64q + 8r + c lies in row r and column c of matrix q.
    const source = Uint16Array.from({ length: 256 }, (_, i) => i);
    const out = new Uint16Array(256);
    const body = `
  mov.u32 %r1, room;
  shl.b32 %r2, %r0, 4;
  add.s32 %r3, %r1, %r2;
  mul.wide.u32 %d2, %r0, 16;
  add.s64 %d3, %d0, %d2;
  cp.async.cg.shared.global [%r3], [%d3], 16;
  cp.async.commit_group;
  cp.async.wait_group 0;
  bar.sync 0;
  ldmatrix.sync.aligned.m8n8.x4${isTransposed ? '.trans' : ''}.shared.b16 {%r10, %r11, %r12, %r13}, [%r3];
  add.s64 %d4, %d1, %d2;
  st.global.v4.u32 [%d4], {%r10, %r11, %r12, %r13};`;
    interpret(kernel(2, body), { sharedBytes: 512 }, [source, out]);
    // The manual's figure: rows from the top, four lanes to each, two neighbors to a lane.
    for (let q = 0; q < 4; q++) {
      for (let r = 0; r < 8; r++) {
        for (let c = 0; c < 8; c++) {
          const [outer, inner] = isTransposed ? [c, r] : [r, c];
          const lane = 4 * outer + Math.floor(inner / 2);
          expect(out[8 * lane + 2 * q + (inner % 2)], `matrix ${q}, row ${r}, column ${c}`).toBe(64 * q + 8 * r + c);
        }
      }
    }
  });
});

/** Small whole numbers, of which products and sums are exact in every precision. */
const numberA = (row: number, k: number) => ((row * 5 + k * 3) % 11) - 5;
const numberB = (k: number, column: number) => ((k * 7 + column * 2) % 9) - 4;
const numberC = (row: number, column: number) => row * 8 + column - 60;

where(describe, [hasInterpreter, lack.interpreter])('a product of matrices of PTX', () => {
  const run = (opcode: string, a: Uint32Array, b: Uint32Array, c: Float32Array) => {
    const out = new Float32Array(128);
    const body = `${ownWords(0, 4)}
  ld.global.v4.u32 {%r10, %r11, %r12, %r13}, [%d8];${ownWords(1, 2)}
  ld.global.v2.u32 {%r14, %r15}, [%d8];${ownWords(2, 4)}
  ld.global.v4.f32 {%f10, %f11, %f12, %f13}, [%d8];
  mma.sync.aligned.${opcode} {%f1, %f2, %f3, %f4}, {%r10, %r11, %r12, %r13}, {%r14, %r15}, {%f10, %f11, %f12, %f13};${ownWords(3, 4)}
  st.global.v4.f32 [%d8], {%f1, %f2, %f3, %f4};`;
    interpret(kernel(4, body), {}, [a, b, c, out]);
    return out;
  };

  /** Whose the number in a row and column of C and D is: lane, and which of its four. */
  const placeOfC = (row: number, column: number) => 4 * (4 * (row % 8) + (column >> 1)) + 2 * (row >> 3) + (column & 1);
  const placed = (of: (row: number, column: number) => number) => {
    const out = new Float32Array(128);
    for (let row = 0; row < 16; row++)
      for (let column = 0; column < 8; column++) out[placeOfC(row, column)] = of(row, column);
    return out;
  };
  const product = (depth: number) => (row: number, column: number) => {
    let sum = numberC(row, column);
    for (let k = 0; k < depth; k++) sum += numberA(row, k) * numberB(k, column);
    return sum;
  };

  it.each(['f16', 'bf16'] as const)('m16n8k16 of %s', (type) => {
    const a = new Float32Array(256);
    const b = new Float32Array(128);
    // Two numbers to a register, of neighboring k.
    for (let row = 0; row < 16; row++) {
      for (let k = 0; k < 16; k++) {
        const lane = 4 * (row % 8) + ((k % 8) >> 1);
        a[8 * lane + 4 * (k >> 3) + 2 * (row >> 3) + (k & 1)] = numberA(row, k);
      }
    }
    for (let k = 0; k < 16; k++) {
      for (let column = 0; column < 8; column++) {
        const lane = 4 * column + ((k % 8) >> 1);
        b[4 * lane + 2 * (k >> 3) + (k & 1)] = numberB(k, column);
      }
    }
    const words = (x: Float32Array) => new Uint32Array(toHalves(x, type).slice().buffer);
    const out = run(`m16n8k16.row.col.f32.${type}.${type}.f32`, words(a), words(b), placed(numberC));
    expect([...out]).toEqual([...placed(product(16))]);
  });

  it('m16n8k8 of tf32, whose fractions beyond 10 bits count for nothing', () => {
    const a = new Float32Array(128);
    const b = new Float32Array(64);
    const beyond = 1 + 2 ** -12;
    for (let row = 0; row < 16; row++)
      for (let k = 0; k < 8; k++)
        a[4 * (4 * (row % 8) + (k % 4)) + 2 * (k >> 2) + (row >> 3)] = numberA(row, k) * beyond;
    for (let k = 0; k < 8; k++)
      for (let column = 0; column < 8; column++) b[2 * (4 * column + (k % 4)) + (k >> 2)] = numberB(k, column);
    const words = (x: Float32Array) => new Uint32Array(x.buffer);
    const out = run('m16n8k8.row.col.f32.tf32.tf32.f32', words(a), words(b), placed(numberC));
    expect([...out]).toEqual([...placed(product(8))]);
  });
});
