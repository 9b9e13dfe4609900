import { describe, expect, it } from 'vitest';
import { NativeFailure, withWords } from '../../../electron/engine/devices/native/failures.ts';
import { isGpuFull, isOutOfMemory } from '../../../electron/engine/devices/outOfMemory.ts';

/** What native code throws. */
const thrown = (code: string, args: object) => Object.assign(new Error(code), { code, args });

/** What is told of it, by a function and by a promise. */
async function reported(error: unknown): Promise<unknown> {
  const addon = withWords({
    now: () => {
      throw error;
    },
    later: () => Promise.reject(error),
  });
  const caught = (work: () => unknown) => (async () => work())().catch((e: unknown) => e);
  const [now, later] = [await caught(addon.now), await caught(addon.later)];
  expect(later).toEqual(now);
  return now;
}

describe('failures of native code', () => {
  it.each([
    ['gpuTooOld', { name: 'GTX 1080' }, 'GTX 1080 is too old: it takes an RTX 30, an A100 or newer'],
    ['gpuFailed', { action: 'copy', error: 'cudaErrorX', problem: 'a bus broke' }, 'A copy failed: a bus broke'],
    ['gpuFailed', { action: 'launch', kernel: 'gemm', error: 'cudaErrorX', problem: 'no' }, 'gemm: no'],
    ['libraryFailed', { action: 'multiply', status: 7 }, 'cuBLASLt: a product failed with status 7'],
    ['indexOutOfRange', { what: 'token', index: 64, end: 64 }, 'the token 64 is not below 64'],
  ])('are told in words, with their code: %s', async (code, args, words) => {
    const error = await reported(thrown(code, args));
    expect(error).toBeInstanceOf(NativeFailure);
    expect(error).toMatchObject({ code, args, message: words });
  });

  it('are of memory where there was too little, and it is known whose', async () => {
    const device = await reported(thrown('outOfMemory', { bytes: 8, name: 'a GPU', isHost: 0 }));
    const host = await reported(thrown('outOfMemory', { bytes: 8, name: 'a GPU', isHost: 1 }));
    const cuda = { action: 'prepare', error: 'cudaErrorMemoryAllocation', problem: 'out of memory' };
    const program = await reported(thrown('gpuFailed', cuda));
    expect([device, host, program].map((e) => (e as Error).message)).toEqual([
      'out of memory: 8 bytes could not be allocated on a GPU',
      'out of memory: 8 bytes could not be allocated on the host',
      "A program can't be prepared: out of memory",
    ]);
    expect([device, host, program].map(isOutOfMemory)).toEqual([true, true, true]);
    expect([device, host, program].map(isGpuFull)).toEqual([true, false, true]);
  });

  it('leave defects as they are, whatever they say', async () => {
    const defect = new Error('out of memory: or so');
    expect(await reported(defect)).toBe(defect);
    expect(isOutOfMemory(defect)).toBe(false);
  });
});
