import { describe, expect, it } from 'vitest';
import { hasInterpreter, interpret, kernel } from './interpreter.ts';
import { lack, where } from '../../frame/needs.ts';

/** The bits of a float32, and of a double. */
const f32 = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0]!;
const f64 = (x: number): bigint => new BigUint64Array(Float64Array.of(x).buffer)[0]!;
const i64 = (x: bigint | number): bigint => BigInt.asUintN(64, BigInt(x));
const nan = 0x7fffffff;

/** An instruction of one thread: operands as bits, each in a register of as many bits as its letter says. */
function once(opcode: string, letters: string, operands: readonly (number | bigint)[]): bigint {
  const registers = { h: '%h', i: '%r', l: '%d', f: '%f' } as const;
  const bits = { h: 16, i: 32, l: 64, f: 32 } as const;
  const letter = (i: number) => letters[i] as keyof typeof registers;
  const register = (i: number) => `${registers[letter(i)]}${i + 3}`;
  const type = (i: number) => (letter(i) === 'f' ? 'f32' : `b${bits[letter(i)]}`);
  const loads = operands.map((_, i) => `  ld.global.${type(i + 1)} ${register(i + 1)}, [%d0+${8 * i}];`);
  const list = [...letters].map((_, i) => register(i)).join(', ');
  const body = `${loads.join('\n')}\n  ${opcode} ${list};\n  st.global.${type(0)} [%d1], ${register(0)};`;
  const result = new BigUint64Array(1);
  // One thread stands for all.
  const text = kernel(2, `  setp.ne.s32 %p0, %r0, 0;\n  @%p0 bra end;\n${body}\nend:`);
  interpret(text, {}, [BigUint64Array.from(operands, (x) => i64(x)), result]);
  return result[0]!;
}

const inf = f32(Infinity);
const minus = (bits: number) => (bits | 0x80000000) >>> 0;
const subnormal = 0x00000001;

/** Opcode, letters of the result and the operands, operands, result. Numbers are those that the PTX ISA manual's definitions give. */
const cases: [string, string, (number | bigint)[], number | bigint][] = [
  // To half precision: to the nearest, ties to even.
  ['cvt.rn.f16.f32', 'hf', [f32(1 + 2 ** -11)], 0x3c00],
  ['cvt.rn.f16.f32', 'hf', [f32(1 + 2 ** -11 + 2 ** -23)], 0x3c01],
  ['cvt.rn.f16.f32', 'hf', [f32(1 + 3 * 2 ** -11)], 0x3c02],
  ['cvt.rn.f16.f32', 'hf', [f32(65519.996)], 0x7bff],
  ['cvt.rn.f16.f32', 'hf', [f32(65520)], 0x7c00],
  ['cvt.rn.f16.f32', 'hf', [f32(-1e30)], 0xfc00],
  ['cvt.rn.f16.f32', 'hf', [f32(2 ** -14 - 2 ** -25)], 0x0400],
  ['cvt.rn.f16.f32', 'hf', [f32(2 ** -14 - 2 ** -24)], 0x03ff],
  ['cvt.rn.f16.f32', 'hf', [f32(2 ** -24)], 0x0001],
  ['cvt.rn.f16.f32', 'hf', [f32(2 ** -25)], 0x0000],
  ['cvt.rn.f16.f32', 'hf', [f32(2 ** -25 + 2 ** -40)], 0x0001],
  ['cvt.rn.f16.f32', 'hf', [f32(3 * 2 ** -25)], 0x0002],
  ['cvt.rn.f16.f32', 'hf', [minus(0)], 0x8000],
  ['cvt.rn.f16.f32', 'hf', [f32(NaN)], 0x7fff],
  ['cvt.rn.bf16.f32', 'hf', [f32(1 + 2 ** -8)], 0x3f80],
  ['cvt.rn.bf16.f32', 'hf', [f32(1 + 3 * 2 ** -8)], 0x3f82],
  ['cvt.rn.bf16.f32', 'hf', [0x7f7fffff], 0x7f80],
  ['cvt.rn.bf16.f32', 'hf', [0x00018000], 0x0002],
  ['cvt.rn.bf16.f32', 'hf', [0xffc00001], 0x7fff],
  ['cvt.f32.f16', 'fh', [0x0001], f32(2 ** -24)],
  ['cvt.f32.f16', 'fh', [0x83ff], f32(-(2 ** -14) + 2 ** -24)],
  ['cvt.f32.f16', 'fh', [0x7bff], f32(65504)],
  ['cvt.f32.f16', 'fh', [0xfc00], minus(inf)],
  ['cvt.f32.f16', 'fh', [0x3555], f32(0.333251953125)],
  // To 10 bits of fraction: ties away from zero.
  ['cvt.rna.tf32.f32', 'if', [f32(1 + 2 ** -11)], f32(1 + 2 ** -10)],
  ['cvt.rna.tf32.f32', 'if', [f32(-1 - 2 ** -11)], f32(-1 - 2 ** -10)],
  ['cvt.rna.tf32.f32', 'if', [f32(1 + 2 ** -11 - 2 ** -23)], f32(1)],
  ['cvt.rna.tf32.f32', 'if', [f32(2 - 2 ** -12)], f32(2)],
  ['cvt.sat.f32.f32', 'ff', [f32(-0.5)], 0],
  ['cvt.sat.f32.f32', 'ff', [f32(1.5)], f32(1)],
  ['cvt.sat.f32.f32', 'ff', [f32(0.25)], f32(0.25)],
  ['cvt.sat.f32.f32', 'ff', [f32(NaN)], 0],
  ['cvt.rn.f32.s64', 'fl', [2 ** 24 + 1], f32(2 ** 24)],
  ['cvt.rn.f32.s64', 'fl', [2 ** 24 + 3], f32(2 ** 24 + 4)],
  ['cvt.rn.f32.s64', 'fl', [i64(-5)], f32(-5)],
  // Rounded to a double first, this would be a tie, and go down.
  ['cvt.rn.f32.s64', 'fl', [2n ** 60n + 2n ** 36n + 1n], f32(2 ** 60 + 2 ** 37)],
  ['cvt.rn.f32.s32', 'fi', [0xffffffff], f32(-1)],
  ['cvt.rn.f32.u32', 'fi', [0xffffffff], f32(2 ** 32)],
  ['cvt.f64.f32', 'lf', [f32(0.1)], f64(Math.fround(0.1))],
  ['cvt.rn.f32.f64', 'fl', [f64(1 + 2 ** -24)], f32(1)],
  ['cvt.rn.f32.f64', 'fl', [f64(1 + 2 ** -24 + 2 ** -50)], f32(1 + 2 ** -23)],
  ['cvt.rn.f32.f64', 'fl', [f64(1e300)], inf],
  ['cvt.rzi.s32.f32', 'if', [f32(-2.9)], i64(-2) & 0xffffffffn],
  ['cvt.rzi.s32.f32', 'if', [f32(3e9)], 0x7fffffff],
  ['cvt.rni.s32.f32', 'if', [f32(2.5)], 2],
  ['cvt.s64.s32', 'li', [0xfffffffe], i64(-2)],
  ['cvt.u64.u32', 'li', [0xfffffffe], 0xfffffffe],
  ['cvt.u32.u64', 'il', [0x1_2345_6789], 0x2345_6789],
  ['cvt.s32.s16', 'ih', [0xfffe], 0xfffffffe],
  ['cvt.u32.u16', 'ih', [0xfffe], 0xfffe],
  ['cvt.u16.u32', 'hi', [0x12345], 0x2345],
  // Least and greatest: the number of two of which one is none, and -0 below +0.
  ['min.f32', 'fff', [f32(NaN), f32(3)], f32(3)],
  ['max.f32', 'fff', [f32(3), f32(NaN)], f32(3)],
  ['max.f32', 'fff', [f32(NaN), minus(f32(NaN))], nan],
  ['min.f32', 'fff', [0, minus(0)], minus(0)],
  ['max.f32', 'fff', [minus(0), 0], 0],
  ['max.f32', 'fff', [f32(-3), f32(-4)], f32(-3)],
  // Rounded once.
  ['fma.rn.f32', 'ffff', [f32(1 + 2 ** -12), f32(1 + 2 ** -12), f32(-1 - 2 ** -11)], f32(2 ** -24)],
  ['fma.rm.f32', 'ffff', [f32(1), f32(1), f32(-(2 ** -30))], f32(1 - 2 ** -24)],
  ['fma.rm.f32', 'ffff', [f32(1), f32(1), f32(2 ** -30)], f32(1)],
  ['fma.rm.f32', 'ffff', [f32(-1), f32(1), f32(-(2 ** -60))], f32(-1 - 2 ** -23)],
  ['fma.rm.f32', 'ffff', [f32(1), f32(1), f32(-1)], minus(0)],
  ['fma.rm.f32', 'ffff', [f32(2 ** 127), f32(2), f32(-1)], 0x7f7fffff],
  ['fma.rm.f32', 'ffff', [f32(0.5), f32(3), f32(12582912)], f32(12582913)],
  ['mul.f32', 'fff', [f32(2 ** -100), f32(2 ** -40)], 0x200],
  ['add.f32', 'fff', [inf, minus(inf)], nan],
  ['mul.f32', 'fff', [0, inf], nan],
  ['sub.f32', 'fff', [f32(1), f32(1)], 0],
  ['neg.f32', 'ff', [0], minus(0)],
  ['abs.f32', 'ff', [f32(-2)], f32(2)],
  ['div.rn.f32', 'fff', [f32(1), f32(3)], f32(Math.fround(1 / 3))],
  ['sqrt.rn.f32', 'ff', [f32(2)], f32(Math.fround(Math.SQRT2))],
  ['sqrt.rn.f32', 'ff', [f32(-1)], nan],
  ['rcp.rn.f32', 'ff', [f32(3)], f32(Math.fround(1 / 3))],
  // Approximate, with subnormal numbers as zeros: at these the manual says what comes out, or it is exact.
  ['ex2.approx.ftz.f32', 'ff', [f32(3)], f32(8)],
  ['ex2.approx.ftz.f32', 'ff', [subnormal], f32(1)],
  ['ex2.approx.ftz.f32', 'ff', [f32(-127)], 0],
  ['ex2.approx.ftz.f32', 'ff', [minus(inf)], 0],
  ['ex2.approx.ftz.f32', 'ff', [inf], inf],
  ['ex2.approx.ftz.f32', 'ff', [f32(NaN)], nan],
  ['rcp.approx.ftz.f32', 'ff', [f32(4)], f32(0.25)],
  ['rcp.approx.ftz.f32', 'ff', [minus(0)], minus(inf)],
  ['rcp.approx.ftz.f32', 'ff', [subnormal], inf],
  ['rcp.approx.ftz.f32', 'ff', [f32(2 ** 127)], 0],
  ['rcp.approx.ftz.f32', 'ff', [minus(inf)], minus(0)],
  ['add.f64', 'lll', [f64(1), f64(2 ** -52)], f64(1 + 2 ** -52)],
  ['div.rn.f64', 'lll', [f64(1), f64(3)], f64(1 / 3)],
  ['sqrt.rn.f64', 'll', [f64(2)], f64(Math.SQRT2)],
  // Shifts by the width or more.
  ['shl.b32', 'iii', [1, 31], 0x80000000],
  ['shl.b32', 'iii', [1, 32], 0],
  ['shl.b32', 'iii', [1, 33], 0],
  ['shr.u32', 'iii', [0x80000000, 32], 0],
  ['shr.s32', 'iii', [0x80000000, 40], 0xffffffff],
  ['shr.s32', 'iii', [0x80000000, 4], 0xf8000000],
  ['shl.b64', 'lli', [1, 63], 2n ** 63n],
  ['shl.b64', 'lli', [1, 64], 0],
  ['shr.s64', 'lli', [2n ** 63n, 100], i64(-1)],
  ['shr.u64', 'lli', [2n ** 63n, 63], 1],
  ['shr.u16', 'hhi', [0xff00, 8], 0xff],
  ['shr.s16', 'hhi', [0xff00, 20], 0xffff],
  // Whole numbers wrap; quotients go toward zero.
  ['add.s16', 'hhh', [0xffff, 2], 1],
  ['add.s32', 'iii', [0x7fffffff, 1], 0x80000000],
  ['mul.lo.s32', 'iii', [0x10001, 0x10001], 0x20001],
  ['mul.lo.s64', 'lll', [i64(-3), 5], i64(-15)],
  ['mad.lo.s32', 'iiii', [3, 0xffffffff, 10], 7],
  ['mul.wide.s32', 'lii', [0xffffffff, 3], i64(-3)],
  ['mul.wide.u32', 'lii', [0xffffffff, 3], 0x2_ffff_fffd],
  ['mul.wide.u16', 'ihh', [0xffff, 0xffff], 0xfffe0001],
  ['div.s32', 'iii', [i64(-7) & 0xffffffffn, 2], i64(-3) & 0xffffffffn],
  ['div.u32', 'iii', [0xfffffff9, 2], 0x7ffffffc],
  ['rem.s32', 'iii', [i64(-7) & 0xffffffffn, 2], 0xffffffff],
  ['rem.s64', 'lll', [i64(7), i64(-2)], 1],
  ['div.s64', 'lll', [i64(-7), 2], i64(-3)],
  ['min.s64', 'lll', [i64(-7), 2], i64(-7)],
  ['max.u64', 'lll', [i64(-7), 2], i64(-7)],
  ['max.s32', 'iii', [i64(-7) & 0xffffffffn, 2], 2],
  ['neg.s64', 'll', [5], i64(-5)],
  ['not.b64', 'll', [0], i64(-1)],
  ['xor.b32', 'iii', [0xf0f0, 0xff00], 0x0ff0],
];

/** Comparisons of 1 with 2, of equals, and with NaN. */
const comparisons: [string, string][] = [
  // less, equal, greater, NaN
  ['eq', '0100'],
  ['ne', '1010'],
  ['lt', '1000'],
  ['le', '1100'],
  ['gt', '0010'],
  ['ge', '0110'],
  ['equ', '0101'],
  ['neu', '1011'],
  ['ltu', '1001'],
  ['leu', '1101'],
  ['gtu', '0011'],
  ['geu', '0111'],
  ['num', '1110'],
  ['nan', '0001'],
];

where(describe, [hasInterpreter, lack.interpreter])('an instruction of PTX', () => {
  it.each(cases)('%s (%s) of %s gives %s', (opcode, letters, operands, expected) => {
    expect(once(opcode, letters, operands)).toBe(i64(expected));
  });

  it.each(comparisons)('setp.%s.f32 is true for less, equal, greater, NaN: %s', (how, expected) => {
    const pairs = Float32Array.of(1, 2, 2, 2, 2, 1, NaN, 1);
    const out = new Uint32Array(32);
    const body = `
  and.b32 %r1, %r0, 3;
  mul.wide.u32 %d2, %r1, 8;
  add.s64 %d3, %d0, %d2;
  ld.global.v2.f32 {%f1, %f2}, [%d3];
  setp.${how}.f32 %p0, %f1, %f2;
  selp.u32 %r2, 1, 0, %p0;
  mul.wide.u32 %d2, %r0, 4;
  add.s64 %d3, %d1, %d2;
  st.global.u32 [%d3], %r2;`;
    interpret(kernel(2, body), {}, [pairs, out]);
    expect([...out.slice(0, 4)].join('')).toBe(expected);
    expect([...out.slice(28)].join('')).toBe(expected);
  });

  it('compares whole numbers with and without a sign', () => {
    const out = new Uint32Array(1);
    const flags = ['setp.lt.s32', 'setp.lt.u32', 'setp.eq.b32'].map(
      (opcode, i) => `
  ${opcode} %p0, %r1, %r2;
  selp.u32 %r4, ${1 << i}, 0, %p0;
  or.b32 %r3, %r3, %r4;`,
    );
    const body = `  mov.u32 %r1, -1;\n  mov.u32 %r2, 1;\n  mov.u32 %r3, 0;${flags.join('')}
  setp.eq.s32 %p1, %r0, 0;
  @%p1 st.global.u32 [%d0], %r3;`;
    interpret(kernel(1, body), {}, [out]);
    expect(out[0]).toBe(1);
  });

  it('packs and unpacks halves of registers, the first below', () => {
    const out = new Uint32Array(4);
    const body = `
  mov.b32 {%h0, %h1}, 0x12345678;
  mov.b32 %r1, {%h1, %h0};
  mov.b32 %r2, {0, %h0};
  mov.b64 %d2, 0x1122334455667788;
  mov.b64 {%r3, %r4}, %d2;
  setp.eq.s32 %p1, %r0, 0;
  @%p1 st.global.v4.u32 [%d0], {%r1, %r2, %r3, %r4};`;
    interpret(kernel(1, body), {}, [out]);
    expect([...out]).toEqual([0x56781234, 0x56780000, 0x55667788, 0x11223344]);
  });

  it('extends what it loads by its sign, or by zeros', () => {
    const out = new BigUint64Array(3);
    const body = `
  ld.global.s32 %d2, [%d0];
  ld.global.u32 %d3, [%d0];
  ld.global.u8 %r1, [%d0+3];
  cvt.u64.u32 %d4, %r1;
  setp.eq.s32 %p1, %r0, 0;
  @!%p1 bra end;
  st.global.u64 [%d1], %d2;
  st.global.u64 [%d1+8], %d3;
  st.global.u64 [%d1+16], %d4;
end:`;
    interpret(kernel(2, body), {}, [Uint32Array.of(0xfedcba98), out]);
    expect([...out]).toEqual([0xfffffffffedcba98n, 0xfedcba98n, 0xfen]);
  });

  it('lets every lane go its own way through a loop', () => {
    const out = new Uint32Array(64);
    // The sum of 1 to n, of thread n; odd ones leave early.
    const body = `
  mov.u32 %r1, 0;
  mov.u32 %r2, 0;
  and.b32 %r3, %r0, 1;
  setp.eq.s32 %p2, %r3, 1;
loop:
  setp.ge.s32 %p0, %r2, %r0;
  @%p0 bra done;
  add.s32 %r2, %r2, 1;
  add.s32 %r1, %r1, %r2;
  setp.ge.s32 %p1, %r2, 10;
  and.pred %p1, %p1, %p2;
  @%p1 bra done;
  bra.uni loop;
done:
  mul.wide.u32 %d2, %r0, 4;
  add.s64 %d3, %d0, %d2;
  st.global.u32 [%d3], %r1;`;
    for (const order of ['forward', 'reverse', 'random', 'warpAhead'] as const) {
      out.fill(0);
      interpret(kernel(1, body), { threads: 64, order }, [out]);
      const sum = (n: number) => (n * (n + 1)) / 2;
      expect([...out]).toEqual(Array.from({ length: 64 }, (_, n) => sum(n % 2 ? Math.min(n, 10) : n)));
    }
  });

  it('counts blocks and threads', () => {
    const out = new Uint32Array(2 * 3 * 64);
    const body = `
  mov.u32 %r1, %ctaid.x;
  mov.u32 %r2, %ctaid.y;
  mov.u32 %r3, %nctaid.x;
  mov.u32 %r4, %ntid.x;
  mad.lo.s32 %r5, %r2, %r3, %r1;
  mad.lo.s32 %r6, %r5, %r4, %r0;
  mov.u32 %r7, %laneid;
  mad.lo.s32 %r8, %r5, 100, %r7;
  mul.wide.u32 %d2, %r6, 4;
  add.s64 %d3, %d0, %d2;
  st.global.u32 [%d3], %r8;`;
    interpret(kernel(1, body), { blocks: 2, blocksY: 3, threads: 64, order: 'random' }, [out]);
    expect([...out]).toEqual(Array.from(out, (_, i) => Math.floor(i / 64) * 100 + (i % 32)));
  });
});
