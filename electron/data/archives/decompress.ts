import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import xz from 'xz-decompress';
import { messageOf } from '../../base/errors.ts';
import { cutOff, damaged, FileError } from '../formats/fileError.ts';
import { withoutLz4 } from './lz4.ts';

export type Compression = 'gzip' | 'zstd' | 'xz' | 'lz4';

/** Bytes that come out at once. */
const chunkSize = 1 << 20;

type Decompressor = Transform & { readonly bytesWritten: number };
const create: Readonly<Record<'gzip' | 'zstd', () => Decompressor>> = {
  gzip: () => zlib.createGunzip({ chunkSize }),
  // `zstd --long=31` looks back over 2 GiB; memory is taken only by frames that ask for it.
  zstd: () => zlib.createZstdDecompress({ chunkSize, params: { [zlib.constants.ZSTD_d_windowLogMax]: 31 } }),
};

/**
 * The content of a compressed file, all members or frames of it: such as pzstd and `cat a.zst b.zst` make. What came before
 * damage comes out, but for what was read in one go with damage, and the same each time.
 * @throws FileError behind what is good
 */
export async function* decompressed(
  raw: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  if (compression === 'xz') yield* withoutXz(raw);
  else if (compression === 'lz4') yield* withoutLz4(raw);
  else yield* withoutZlib(raw, compression);
}

async function* withoutZlib(raw: AsyncIterable<Uint8Array>, compression: 'gzip' | 'zstd'): AsyncGenerator<Uint8Array> {
  let member: Decompressor | undefined;
  let behind = false;
  try {
    for await (let chunk of raw) {
      for (;;) {
        if (!member && behind) chunk = withoutPadding(chunk, compression);
        if (chunk.length === 0) break;
        member ??= create[compression]();
        const before = member.bytesWritten;
        yield* passed(member, chunk);
        const used = member.bytesWritten - before;
        if (used === chunk.length) break;
        // Node's own stream ends with the first frame and leaves the rest of what it was given.
        member.destroy();
        member = undefined;
        behind = true;
        chunk = chunk.subarray(used);
      }
    }
    if (member) yield* passed(member, undefined);
  } finally {
    member?.destroy();
  }
}

/** Zeros may fill up what follows a gzip member. */
function withoutPadding(bytes: Uint8Array, compression: Compression): Uint8Array {
  if (compression !== 'gzip') return bytes;
  const begin = bytes.findIndex((byte) => byte !== 0);
  return begin < 0 ? new Uint8Array() : bytes.subarray(begin);
}

/** What comes out when bytes are put in, or when nothing more is; little of it waits, however much it is. */
async function* passed(stream: Decompressor, chunk: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  let settled = false;
  let error: unknown;
  let wake = (): void => {};
  const settle = (problem?: Error | null): void => {
    settled = true;
    error ??= problem;
    wake();
  };
  const onReadable = (): void => wake();
  const onEnd = (): void => settle();
  stream.on('readable', onReadable).on('end', onEnd).on('error', settle);
  try {
    if (chunk) stream.write(chunk, settle);
    else stream.end();
    for (;;) {
      // Also behind an error: what was made before it is there still.
      for (let out = read(stream); out; out = read(stream)) yield out;
      if (settled) break;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stream.off('readable', onReadable).off('end', onEnd);
    if (!stream.destroyed) stream.off('error', settle);
  }
  if (error) throw troubleOf(error);
}

const read = (stream: Decompressor): Uint8Array | null => stream.read() as Uint8Array | null;

/** What an error of zlib means for the file. */
function troubleOf(error: unknown): FileError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const advice = 'decompress it with the program that made it, and name what comes out';
  if (code === 'Z_BUF_ERROR') return cutOff(error);
  if (code === 'ZSTD_error_dictionary_wrong')
    return new FileError('unsupported', 'was compressed by zstd with a dictionary', advice, { cause: error });
  if (code === 'ZSTD_error_frameParameter_windowTooLarge')
    return new FileError('unsupported', 'was compressed by zstd with a window of more than 2 GiB', advice, {
      cause: error,
    });
  if (code === 'ZSTD_error_memory_allocation' || code === 'Z_MEM_ERROR')
    return new FileError('unsupported', 'needs more memory to decompress than there is', advice, { cause: error });
  return damaged(messageOf(error), error);
}

/** The library speaks web streams, and numbers its errors as XZ Embedded does (`enum xz_ret`). */
async function* withoutXz(raw: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const chunks = raw[Symbol.asyncIterator]();
  let failure: unknown;
  const compressed = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { value, done } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(Uint8Array.from(value));
      } catch (error) {
        failure = error;
        controller.error(error);
      }
    },
    cancel: () => void chunks.return?.(),
  });
  try {
    for await (const chunk of new xz.XzReadableStream(compressed) as unknown as AsyncIterable<Uint8Array>)
      if (chunk.length > 0) yield Uint8Array.from(chunk);
  } catch (error) {
    if (failure !== undefined) throw failure;
    const code = Number(/error code (\d+)/.exec(messageOf(error))?.[1]);
    if (code === 8) throw cutOff(error);
    if (code === 3 || code === 4)
      throw new FileError('unsupported', 'needs more memory to decompress than there is', 'decompress it with xz -d', {
        cause: error,
      });
    if (code === 6)
      throw new FileError('unsupported', 'was compressed by xz with a filter', 'decompress it with xz -d', {
        cause: error,
      });
    throw damaged(`error ${code} of its xz data`, error);
  }
}
