import { createHash } from 'node:crypto';
import { byteLengthOf, bytesPerElement, type Dtype } from './dtypes.ts';
import { type FileSystem, nodeFileSystem, type WritableFile } from '../../base/fileSystem.ts';
import { maxHeaderBytes, metadataKey } from './header.ts';
import { quoted } from './scan.ts';

/** A tensor to be written. A function is called when its turn comes, so that one tensor at a time is in memory. */
export interface TensorSource {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Elements in row-major order, as many bytes as dtype and shape say; unchanged until the file is written. */
  readonly data: ArrayBufferView | (() => ArrayBufferView | Promise<ArrayBufferView>);
}

export interface WrittenFile {
  readonly bytes: number;
  /** Of the whole file, in hexadecimal. */
  readonly sha256: string;
}

/** Bytes written at a time: large enough for the disk, small enough for hashing one not to hold up the event loop. */
const chunkBytes = 8 * 2 ** 20;

/**
 * Writes a safetensors file tensor by tensor, hashing on the way, and syncs it. Wide dtypes come first, so that every
 * tensor starts at a multiple of its element size. A file left unfinished by an error is removed.
 * @throws Error for impossible tensors; errors of the operating system as they come
 */
export async function writeSafetensors(
  file: string,
  entries: Iterable<TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
  fs: FileSystem = nodeFileSystem,
): Promise<WrittenFile> {
  const { header, ordered, bytes } = layOut(entries, metadata);
  const sha256 = await writeHashed(fs, file, async (append) => {
    await append(header);
    for (const entry of ordered) {
      const data = typeof entry.data === 'function' ? await entry.data() : entry.data;
      const expected = byteLengthOf(entry.dtype, entry.shape);
      if (data.byteLength !== expected) {
        throw new Error(`tensor ${quoted(entry.name)} has ${data.byteLength} bytes where its shape takes ${expected}`);
      }
      await append(data);
    }
  });
  return { bytes, sha256 };
}

/** Size of the file that `writeSafetensors` would write. Reads no tensor. */
export function safetensorsBytes(
  entries: Iterable<TensorSource>,
  metadata: Readonly<Record<string, string>> = {},
): number {
  return layOut(entries, metadata).bytes;
}

/**
 * Writes one file from what `produce` appends, and syncs it; removed again where that fails.
 * @returns the sha256 of its content, in hexadecimal
 */
export async function writeHashed(
  fs: FileSystem,
  file: string,
  produce: (append: (data: ArrayBufferView) => Promise<void>) => Promise<void>,
): Promise<string> {
  const hash = createHash('sha256');
  const out = await fs.createFile(file);
  try {
    await produce((data) => appendInChunks(out, data, (chunk) => hash.update(chunk)));
    await out.sync();
  } catch (error) {
    await out.close().catch(() => {});
    await fs.remove(file).catch(() => {});
    throw error;
  }
  await out.close();
  return hash.digest('hex');
}

async function appendInChunks(
  out: WritableFile,
  data: ArrayBufferView,
  hash: (chunk: Uint8Array) => void,
): Promise<void> {
  for (let at = 0; at < data.byteLength; at += chunkBytes) {
    const chunk = new Uint8Array(data.buffer, data.byteOffset + at, Math.min(chunkBytes, data.byteLength - at));
    const written = out.write(chunk); // goes on in a thread of the pool while this one hashes
    hash(chunk);
    await written;
  }
}

/** The header with its length in front (padded to a multiple of 8 bytes), the order of the tensors, the file's size. */
function layOut(entries: Iterable<TensorSource>, metadata: Readonly<Record<string, string>>) {
  const ordered = [...entries].sort((a, b) => bytesPerElement(b.dtype) - bytesPerElement(a.dtype));
  const seen = new Set([metadataKey]);
  const fields = Object.keys(metadata).length > 0 ? [`${JSON.stringify(metadataKey)}:${JSON.stringify(metadata)}`] : [];
  let offset = 0;
  for (const { name, dtype, shape } of ordered) {
    if (seen.has(name))
      throw new Error(`tensor name ${quoted(name)} is ${name === metadataKey ? 'reserved' : 'given twice'}`);
    if (!name.isWellFormed()) throw new Error(`tensor name ${quoted(name)} is not valid Unicode`);
    seen.add(name);
    const byteLength = byteLengthOf(dtype, shape);
    if (byteLength === null) throw new Error(`tensor ${quoted(name)} has an impossible shape ${JSON.stringify(shape)}`);
    const info = { dtype, shape, data_offsets: [offset, offset + byteLength] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(info)}`);
    offset += byteLength;
  }
  const json = Buffer.from(`{${fields.join(',')}}`, 'utf8');
  const length = Math.ceil(json.length / 8) * 8;
  if (length > maxHeaderBytes) throw new Error(`a header of ${length} bytes is longer than the format allows`);
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  return { header, ordered, bytes: header.length + offset };
}
