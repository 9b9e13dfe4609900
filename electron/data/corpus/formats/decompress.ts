import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { messageOf } from '../../../errors.ts';
import { FileError } from './fileError.ts';

export type Compression = 'gzip' | 'zstd';

/** An archive that is damaged, cut off, or none. */
export class ArchiveError extends FileError {}

/** Bytes that come out at once. */
const chunkSize = 1 << 20;

type Decompressor = Transform & { readonly bytesWritten: number };
const create: Readonly<Record<Compression, () => Decompressor>> = {
  gzip: () => zlib.createGunzip({ chunkSize }),
  zstd: () => zlib.createZstdDecompress({ chunkSize }),
};

/**
 * The content of an archive, all members or frames of it: such as pzstd and `cat a.zst b.zst` make. What came before damage
 * comes out, but for what was read in one go with damage, and the same each time.
 * @throws ArchiveError behind what is good
 */
export async function* decompressed(
  raw: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
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
  if (error) throw new ArchiveError(messageOf(error), { cause: error });
}

const read = (stream: Decompressor): Uint8Array | null => stream.read() as Uint8Array | null;
