import zlib from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Compression, decompressed } from '../../../electron/data/archives/decompress.ts';
import { FileError } from '../../../electron/data/formats/fileError.ts';

const compress: Record<'gzip' | 'zstd', (bytes: Uint8Array) => Buffer> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  zstd: (bytes) => zlib.zstdCompressSync(bytes, { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }),
};
const numbers = (from: number, to: number): Buffer =>
  Buffer.from(Array.from({ length: to - from }, (_, i) => `${from + i} ${Math.sin(from + i)}\n`).join(''));
async function* cut(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
/** All that comes out, and the error behind it. */
async function outcome(bytes: Buffer, compression: Compression, size = 1 << 20, pause = false) {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of decompressed(cut(bytes, size), compression)) {
      parts.push(Uint8Array.from(part));
      if (pause) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    return { content: Buffer.concat(parts), error };
  }
  return { content: Buffer.concat(parts) };
}

describe.each(['gzip', 'zstd'] as const)('a %s archive', (compression) => {
  it('gives all of its members, however it is cut', async () => {
    const members = fc.array(fc.nat(300), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(members, fc.integer({ min: 1, max: 400 }), async (sizes, size) => {
        const contents = sizes.map((n, i) => numbers(1000 * i, 1000 * i + n));
        const archive = Buffer.concat(contents.map(compress[compression]));
        expect(await outcome(archive, compression, size)).toEqual({ content: Buffer.concat(contents) });
      }),
      { numRuns: 150 },
    );
  });

  it('gives what comes before its end is missing or damaged, as much each time', async () => {
    const content = numbers(0, 200_000);
    const whole = compress[compression](content);
    const shorter = whole.subarray(0, whole.length / 2);
    const altered = Buffer.from(whole);
    altered[whole.length >> 1]! ^= 0xff;
    for (const archive of [shorter, altered]) {
      const { content: got, error } = await outcome(archive, compression);
      expect(error).toBeInstanceOf(FileError);
      expect(got.length).toBeGreaterThan(content.length / 4);
      expect((await outcome(archive, compression, 1 << 20, true)).content.equals(got)).toBe(true);
    }
    const { content: got } = await outcome(shorter, compression);
    expect(content.subarray(0, got.length).equals(got)).toBe(true);
  });

  it('is one, or is refused', async () => {
    expect((await outcome(Buffer.from('no archive'), compression)).error).toBeInstanceOf(FileError);
    const behind = Buffer.concat([compress[compression](numbers(0, 10)), Buffer.from('something')]);
    const { content, error } = await outcome(behind, compression, 1);
    expect([content, error]).toEqual([numbers(0, 10), expect.any(FileError)]);
    expect((await outcome(behind, compression)).error).toBeInstanceOf(FileError);
  });

  it('that is small and holds much comes out bit by bit', async () => {
    const archive = compress[compression](Buffer.alloc(64 << 20));
    let bytes = 0;
    for await (const part of decompressed(cut(archive, 1 << 20), compression)) {
      expect(part.length).toBeLessThanOrEqual(1 << 20);
      bytes += part.length;
      if (bytes > 8 << 20) break; // and it may be left in the middle
    }
    expect(bytes).toBeLessThan(10 << 20);
  });
});

it('zstd frames that are to be skipped are skipped, and zeros behind gzip', async () => {
  const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  const zstd = Buffer.concat([
    skipped,
    compress.zstd(numbers(0, 10)),
    skipped,
    compress.zstd(numbers(10, 20)),
    skipped,
  ]);
  const gzip = Buffer.concat([compress.gzip(numbers(0, 20)), Buffer.alloc(700)]);
  for (const size of [1, 7, 1 << 20]) {
    expect(await outcome(zstd, 'zstd', size)).toEqual({ content: numbers(0, 20) });
    expect(await outcome(gzip, 'gzip', size)).toEqual({ content: numbers(0, 20) });
  }
});

/** By Python's lzma: `lzma.compress(lines(0, 30)) + lzma.compress(lines(30, 60), check=lzma.CHECK_CRC32)`. */
const xz = Buffer.from(
  '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4AHVAE1dABgICgcx/yMeDZ7lqq/TPAjwvxVzE6A2mmb9bWiAlG0idnSuFuvbmi5g4CpZkw+Hu1zOmmu4YcHGfXONIOjXaLXnTGzlWGvDLiGsU44AAAAAALYOT4z/A/uTAAFp1gMAAABYr674scRn+wIAAAAABFla/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4AHfAEhdABmMACaugtLe5oVLsBn2+qCNn59GhJrolqQGGkX9RFhRvVj8NHiCtctlfCHXDuwV/tNWRkfsZvIq93A1f9F+jz2iy+Z1ViEm5gAOR7WoAAFg4AMAAAC2s8DxPjANiwIAAAAAAVla',
  'base64',
);

it('xz is read, all of its streams, and says where it is damaged or ends early', async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `${i} line of text\n`).join('');
  for (const size of [1, 7, 1 << 20]) expect(await outcome(xz, 'xz', size)).toEqual({ content: Buffer.from(lines) });
  expect((await outcome(xz.subarray(0, 100), 'xz')).error).toMatchObject({ trouble: 'cut off' });
  const altered = Buffer.from(xz);
  altered[60]! ^= 0xff;
  expect((await outcome(altered, 'xz')).error).toMatchObject({ trouble: 'damaged' });
  await expect(all(decompressed(failing(), 'xz'))).rejects.toThrow('the disk is gone');
});

async function all(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const got: Uint8Array[] = [];
  for await (const part of parts) got.push(part);
  return Buffer.concat(got);
}

async function* failing(): AsyncGenerator<Uint8Array> {
  yield xz.subarray(0, 20);
  await Promise.reject(new Error('the disk is gone'));
}
