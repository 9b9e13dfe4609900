import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findNvcc } from '../../../native/toolchain.ts';
import { tempDir } from '../../temp.ts';
import { orders } from '../gpu.ts';
import { entry, hasInterpreter, interpret, kernel, type Launch } from './interpreter.ts';
import { lack, where } from '../../frame/needs.ts';

interface Case {
  readonly body: string;
  /** What is said; none: there is no mistake. */
  readonly message?: RegExp;
  readonly launch?: Launch;
}

const two: Launch = { threads: 64, sharedBytes: 1024 };

/** The shared word of the thread in %r1, that of the thread 32 further in %r2, and of its neighbor in %r3. */
const places = `
  mov.u32 %r9, room;
  shl.b32 %r1, %r0, 2;
  add.s32 %r1, %r1, %r9;
  xor.b32 %r2, %r1, 128;
  xor.b32 %r3, %r1, 4;`;
/** The word of the thread in global memory, in %d5; that of the first thread in %d0. */
const words = `
  mul.wide.u32 %d4, %r0, 4;
  add.s64 %d5, %d0, %d4;`;
/** 16 bytes of the thread's own in both memories: %r4 and %d7. */
const quads = `
  mov.u32 %r9, room;
  shl.b32 %r4, %r0, 4;
  mul.wide.u32 %d6, %r0, 16;
  add.s64 %d7, %d0, %d6;
  add.s32 %r4, %r4, %r9;`;

const race = /byte \d+ is (read|written) without a barrier behind (the write of thread|reads of)/;
const globalRace =
  /byte \d+ of an allocation is (read|written) without a barrier behind (the write of thread|reads of)/;
const acrossBlocks = /byte \d+ of an allocation is (read|written) without a barrier behind .* of another block/;

const cases: Record<string, Case> = {
  'shared memory between barriers': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  bar.sync 0;
  ld.shared.u32 %r5, [%r2];
  bar.sync 0;
  st.shared.u32 [%r2], %r5;`,
  },
  'a shared write and a read without a barrier': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  ld.shared.u32 %r5, [%r2];`,
    message:
      /shared byte \d+ is (read without a barrier behind the write of thread|read and was never written|written without a barrier behind reads)/,
  },
  'a shared read and a write without a barrier': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  bar.sync 0;
  ld.shared.u32 %r5, [%r2];
  st.shared.u32 [%r1], %r5;`,
    message: race,
  },
  'two writers of a shared byte': {
    body: `${places}
  st.shared.u32 [room], %r0;`,
    message: /shared byte 0 is written without a barrier behind the write of thread \d+/,
  },
  'halves of a word by two threads': {
    body: `${places}
  shl.b32 %r4, %r0, 1;
  add.s32 %r4, %r4, %r9;
  cvt.u16.u32 %h0, %r0;
  st.shared.u16 [%r4], %h0;
  bar.sync 0;
  ld.shared.u16 %h1, [%r4+4];
  `,
    launch: { threads: 64, sharedBytes: 132 },
    message: /shared byte 1(28|30) is read and was never written/,
  },
  'a barrier of the warp between its lanes': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  bar.warp.sync -1;
  ld.shared.u32 %r5, [%r3];
  bar.warp.sync -1;
  st.shared.u32 [%r3], %r5;`,
  },
  'a barrier of the warp between warps': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  bar.warp.sync -1;
  ld.shared.u32 %r5, [%r2];`,
    message: /without a barrier behind|never written/,
  },
  'a shuffle, which is no barrier for memory': {
    body: `${places}
  st.shared.u32 [%r1], %r0;
  shfl.sync.bfly.b32 %r6|%p0, %r0, 1, 31, -1;
  ld.shared.u32 %r5, [%r3];`,
    message: race,
  },
  'a shuffle between a read of global memory and a write of it': {
    body: `${words}
  ld.global.u32 %r5, [%d0];
  shfl.sync.bfly.b32 %r6|%p0, %r5, 1, 31, -1;
  setp.eq.s32 %p1, %r0, 0;
  @%p1 st.global.u32 [%d0], %r6;`,
    launch: { threads: 32 },
    message: globalRace,
  },
  'a matrix that a lane of the warp has written': {
    body: `${quads}
  mov.u32 %r5, 7;
  st.shared.v4.u32 [%r4], {%r5, %r5, %r5, %r5};
  ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r10, %r11, %r12, %r13}, [%r4];`,
    launch: { threads: 32, sharedBytes: 512 },
    message: race,
  },
  'a global write and a read by the same block': {
    body: `${words}
  st.global.u32 [%d5], %r0;
  xor.b32 %r5, %r0, 32;
  mul.wide.u32 %d6, %r5, 4;
  add.s64 %d7, %d0, %d6;
  ld.global.u32 %r6, [%d7];`,
    message: globalRace,
  },
  'a global write and a read behind a barrier': {
    body: `${words}
  st.global.u32 [%d5], %r0;
  bar.sync 0;
  xor.b32 %r5, %r0, 32;
  mul.wide.u32 %d6, %r5, 4;
  add.s64 %d7, %d0, %d6;
  ld.global.u32 %r6, [%d7];`,
  },
  'two blocks that write the same': {
    body: `${words}
  st.global.u32 [%d5], %r0;`,
    launch: { blocks: 2, threads: 64 },
    message: acrossBlocks,
  },
  'a block that reads what another writes': {
    body: `${words}
  mov.u32 %r5, %ctaid.x;
  setp.eq.s32 %p0, %r5, 0;
  @%p0 bra write;
  ld.global.u32 %r6, [%d5];
  bra.uni end;
write:
  st.global.u32 [%d5], %r0;
end:`,
    launch: { blocks: 3, threads: 64 },
    message: acrossBlocks,
  },
  'blocks that read the same': {
    body: `${words}
  ld.global.u32 %r6, [%d5];`,
    launch: { blocks: 3, threads: 64 },
  },
  'blocks that add to the same by atomic operations': {
    body: `
  red.global.add.u32 [%d0], 1;
  atom.global.max.u32 %r5, [%d0+4], %r0;`,
    launch: { blocks: 3, threads: 64 },
  },
  'an atomic operation and a plain read by another block': {
    body: `
  red.global.add.u32 [%d0], 1;
  bar.sync 0;
  ld.global.u32 %r5, [%d0];`,
    launch: { blocks: 2, threads: 32 },
    message: acrossBlocks,
  },
  'an asynchronous copy that has arrived': {
    body: `${quads}
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.commit_group;
  cp.async.wait_group 0;
  ld.shared.v4.u32 {%r10, %r11, %r12, %r13}, [%r4];`,
  },
  'a read before a copy arrives': {
    body: `${quads}
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.commit_group;
  cp.async.cg.shared.global [%r4+1024], [%d7], 16;
  cp.async.commit_group;
  cp.async.wait_group 1;
  ld.shared.u32 %r5, [%r4];
  ld.shared.u32 %r6, [%r4+1024];
  cp.async.wait_group 0;`,
    launch: { threads: 64, sharedBytes: 2048 },
    message: /shared byte [12]\d{3} awaits a copy of thread \d+/,
  },
  'a copy that others read without a barrier': {
    body: `${quads}
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.commit_group;
  cp.async.wait_group 0;
  xor.b32 %r5, %r4, 512;
  ld.shared.u32 %r6, [%r5];`,
    message: /awaits a copy of thread|without a barrier behind|never written/,
  },
  'a copy of what is written before it arrives': {
    body: `${quads}
  xor.b32 %r5, %r0, 32;
  mul.wide.u32 %d8, %r5, 16;
  add.s64 %d9, %d0, %d8;
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.commit_group;
  bar.sync 0;
  st.global.u32 [%d9], %r0;
  cp.async.wait_group 0;`,
    message: globalRace,
  },
  'a copy that nobody waits for': {
    body: `${quads}
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.commit_group;`,
    message: /it ends with copies that it has not waited for/,
  },
  'a copy that is not committed': {
    body: `${quads}
  cp.async.cg.shared.global [%r4], [%d7], 16;
  cp.async.wait_group 0;`,
    message: /it ends with copies that it has not committed/,
  },
  'a barrier that a warp never reaches': {
    body: `
  setp.lt.s32 %p0, %r0, 32;
  @%p0 bra end;
  bar.sync 0;
end:`,
    message: /32 of 64 threads wait at a barrier that the others never reach/,
  },
  'a barrier that half a warp never reaches': {
    body: `
  setp.lt.s32 %p0, %r0, 48;
  @%p0 bra end;
  bar.sync 0;
end:`,
    message:
      /thread 48: lanes of its warp never come together: lanes 16-31 wait at PTX line \d+; lanes 0-15 have ended/,
  },
  'two barriers, one for each half of a warp': {
    body: `
  and.b32 %r1, %r0, 16;
  setp.eq.s32 %p0, %r1, 0;
  @%p0 bra other;
  bar.sync 0;
  bra.uni end;
other:
  bar.sync 0;
end:`,
    message: /lanes of its warp never come together: lanes .* wait at PTX line \d+; lanes .* wait at PTX line \d+/,
  },
  'a shuffle that a lane never reaches': {
    body: `
  setp.eq.s32 %p0, %r0, 31;
  @%p0 bra end;
  shfl.sync.bfly.b32 %r6|%p1, %r0, 1, 31, -1;
end:`,
    message: /lanes of its warp never come together: lanes 0-30 wait at PTX line \d+; lane 31 have ended/,
    launch: { threads: 32 },
  },
  'a shuffle that lanes reach at different times': {
    body: `
  and.b32 %r1, %r0, 1;
  setp.eq.s32 %p0, %r1, 0;
  @%p0 bra join;
  add.s32 %r1, %r1, 5;
join:
  shfl.sync.bfly.b32 %r6|%p1, %r1, 1, 31, -1;`,
  },
  'a shuffle from a lane that takes no part': {
    body: `
  setp.lt.u32 %p0, %r0, 16;
  @%p0 shfl.sync.idx.b32 %r6|%p1, %r0, 20, 31, 65535;`,
    message: /it takes a number of lane 20, which takes no part/,
    launch: { threads: 32 },
  },
  'a shuffle of a lane that its mask leaves out': {
    body: `
  shfl.sync.idx.b32 %r6|%p1, %r0, 3, 31, 65535;`,
    message: /it takes part in what it is no member of/,
    launch: { threads: 32 },
  },
  'a product of half a warp': {
    body: `
  mov.u32 %r1, 0;
  mov.f32 %f0, 0f00000000;
  setp.lt.s32 %p0, %r0, 16;
  @%p0 mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1, %f2, %f3, %f4}, {%r1, %r1, %r1, %r1}, {%r1, %r1}, {%f0, %f0, %f0, %f0};`,
    message: /lanes 0-15 wait at PTX line \d+; lanes 16-31 have ended/,
    launch: { threads: 32 },
  },
  'shared memory that was never written': {
    body: `${places}
  ld.shared.u32 %r5, [%r1];`,
    message: /shared byte \d+ is read and was never written/,
  },
  'shared memory out of bounds': {
    body: `${places}
  st.shared.u32 [%r1+1000], %r0;`,
    message: /it reaches shared byte \d{4} of 1024/,
  },
  'shared memory below its beginning': {
    body: `
  mov.u32 %r1, 0;
  st.shared.u32 [%r1], %r0;`,
    message: /it reaches shared byte -\d+ of 1024/,
  },
  'global memory out of bounds': {
    body: `${words}
  st.global.u32 [%d5+3844], %r0;`,
    message: /thread 63: it reaches byte 4099 of an allocation of 4096/,
  },
  'memory that is not the GPU’s': {
    body: `
  mov.u64 %d9, 4096;
  ld.global.u32 %r5, [%d9];`,
    message: /no memory of the GPU lies at 4096/,
  },
  'global memory that is not aligned': {
    body: `${words}
  ld.global.v2.u32 {%r5, %r6}, [%d0+4];`,
    message: /global byte \d+ is not aligned to 8/,
  },
  'a copy that is not aligned': {
    body: `${quads}
  mov.u32 %r5, 0;
  cp.async.cg.shared.global [%r4], [%d7+8], 16, %r5;`,
    message: /global byte \d+ is not aligned to 16/,
  },
  'a register that was never written': {
    body: `
  setp.gt.s32 %p0, %r0, 5;
  @%p0 mov.u32 %r1, 1;
  add.s32 %r2, %r1, 1;`,
    message: /thread \d+: it reads a register that it has never written/,
  },
  'a division by zero': {
    body: `
  div.s32 %r1, %r0, %r0;`,
    message: /thread 0: 0 is divided by 0/,
    launch: { threads: 32 },
  },
};

const memory = () => new Uint32Array(1024);

where(describe, [hasInterpreter, lack.interpreter]).each(orders)(
  'the interpreter of PTX, threads in %s order',
  (order) => {
    it.each(Object.entries(cases))('tells what is wrong with %s', (_, { body, message, launch = two }) => {
      const text = kernel(1, body);
      for (let seed = 0; seed < 3; seed++) {
        const said = () => interpret(text, { ...launch, order, seed }, [memory()]);
        if (!message) expect(said()).toBeGreaterThan(0);
        else expect(said).toThrow(message);
      }
    });
  },
);

where(describe, [hasInterpreter, lack.interpreter])('the interpreter of PTX', () => {
  it('says in which kernel, block and thread it was, and on which line', () => {
    const text = kernel(1, '  st.shared.u32 [room+64], %r0;');
    const line = text.split('\n').findIndex((l) => l.includes('st.shared')) + 1;
    expect(() => interpret(text, { threads: 32, sharedBytes: 64 }, [memory()])).toThrow(
      `kernel, block 0,0, thread 0: it reaches shared byte 67 of 64 (PTX line ${line})`,
    );
  });

  it('names a line of the source, where the PTX does', () => {
    const text = `${kernel(1, '  .loc 1 12 3, function_name $L__info0, inlined_at 2 30 5\n  st.shared.u32 [room+64], %r0;')}
  .file 1 "/src/layer.h"
  .file 2 "/src/gemm.h"
`;
    expect(() => interpret(text, { threads: 32, sharedBytes: 64 }, [memory()])).toThrow('layer.h:12 in gemm.h:30');
  });

  it.each([
    ['  sin.approx.f32 %f0, %f0;', /PTX line \d+: the opcode sin\.approx\.f32 is not known/],
    ['  add.s32 %r1, %r2;', /add\.s32 has too few operands/],
    ['  add.s32 %r1, %r2, %d0;', /%d0 is no register of the size that the instruction has/],
    ['  bra nowhere;', /there is no label nowhere/],
    ['  mov.u32 %r1, %x1;', /'%x1' is no operand that is known/],
    ['  mov.u32 3, %r0;', /mov\.u32 writes to what is no register: 3/],
    ['  bar.sync 1;', /barriers other than the first are not known/],
  ])('knows what it does not know: %s', (body, message) => {
    expect(() => interpret(kernel(1, body), {}, [memory()])).toThrow(message);
  });

  it('holds launches to the bounds of the kernel', () => {
    const text = kernel(1, '').replace(')\n{', ')\n.maxntid 64, 1, 1\n{');
    expect(() => interpret(text, { threads: 96 }, [memory()])).toThrow('96 threads make no block of it');
    expect(() => interpret(text, { threads: 33 }, [memory()])).toThrow('33 threads make no block of it');
    expect(() => interpret(text, {}, [])).toThrow('it is given 0 bytes of 8');
  });

  where(it, [findNvcc() !== undefined, lack.nvcc])('is tested with PTX that NVIDIA’s assembler takes', () => {
    const names = Object.keys(cases);
    const entries = Object.values(cases).map(({ body }, i) => entry(1, body, `kernel${i}`));
    const file = path.join(tempDir(), 'mistakes.ptx');
    fs.writeFileSync(file, kernel(1, '') + entries.join(''));
    const { status, stderr } = spawnSync(
      findNvcc()!.command[0]!,
      ['-cubin', '-arch=sm_86', '-o', `${file}.cubin`, file],
      { encoding: 'utf8' },
    );
    expect(stderr, names.join()).toBe('');
    expect(status).toBe(0);
  });
});
