import fs from 'node:fs/promises';
import { UserError } from '../../base/errors.ts';
import { formatBytes, formatCount, plural } from '../../base/format.ts';
import { type ArrayOf, arrayOver } from './dtypes.ts';
import { float32FromBf16, float32FromF16 } from '../../base/halves.ts';
import { maxHeaderBytes, parseHeader, type SafetensorsHeader, type TensorInfo } from './header.ts';
import { quoted } from './scan.ts';
import { reading } from '../../base/systemErrors.ts';

/** Bytes asked of the operating system at a time; also keeps clear of its limit of 2 GiB a call. */
const chunkBytes = 16 * 2 ** 20;

/**
 * Reads and checks the header of a safetensors file.
 * @throws UserError naming the file, and the tensor where one is at fault
 */
export async function readSafetensorsHeader(file: string): Promise<SafetensorsHeader> {
  const opened = await SafetensorsFile.open(file);
  await opened.close();
  return opened.header;
}

/** An open safetensors file. Only the header is in memory; tensors are read by position when asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  readonly #handle: fs.FileHandle;

  private constructor(path: string, header: SafetensorsHeader, handle: fs.FileHandle) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
  }

  /** @throws UserError naming the file, and the tensor where one is at fault */
  static open(path: string): Promise<SafetensorsFile> {
    return reading(path, async () => {
      // Looked at before it is opened: opening a named pipe would wait for a writer for ever.
      if (!(await fs.stat(path)).isFile()) throw new UserError(`${path} is not a file`);
      const handle = await fs.open(path, 'r');
      try {
        return new SafetensorsFile(path, await readHeader(path, handle), handle);
      } catch (error) {
        await handle.close();
        throw error;
      }
    });
  }

  /** Names of the tensors in the order of their bytes. */
  get names(): string[] {
    return [...this.header.tensors.keys()];
  }

  has(name: string): boolean {
    return this.header.tensors.has(name);
  }

  /** @throws UserError where the file has no such tensor */
  info(name: string): TensorInfo {
    const info = this.header.tensors.get(name);
    if (!info) throw new UserError(`${this.path} has no tensor ${quoted(name)}`);
    return info;
  }

  /** A tensor's elements in row-major order: `F16` and `BF16` as raw bits, the rest as numbers of their kind. */
  async read(name: string): Promise<ArrayOf> {
    const { dtype, byteLength, position } = this.info(name);
    const bytes = allocate(this.path, name, byteLength);
    await reading(this.path, () => fill(this.path, this.#handle, bytes, position));
    return arrayOver(dtype, bytes.buffer);
  }

  /** A tensor of any float dtype as float32; `F64` is rounded. @throws UserError for whole-number and 8-bit dtypes */
  async readFloat32(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { dtype } = this.info(name);
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16' && dtype !== 'F64') {
      throw new UserError(`${this.path}: tensor ${quoted(name)} holds ${dtype}, where F32, F16, BF16 or F64 is needed`);
    }
    const values = await this.read(name);
    if (dtype === 'F32') return values as Float32Array<ArrayBuffer>;
    if (dtype === 'F64') return Float32Array.from(values as Float64Array);
    return dtype === 'F16' ? float32FromF16(values as Uint16Array) : float32FromBf16(values as Uint16Array);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

async function readHeader(path: string, handle: fs.FileHandle): Promise<SafetensorsHeader> {
  const { size } = await handle.stat();
  if (size < 8) throw new UserError(`${path} is not a safetensors file: it has only ${plural(size, 'byte')}`);
  const lengthBytes = new Uint8Array(8);
  await fill(path, handle, lengthBytes, 0);
  const length = new DataView(lengthBytes.buffer).getBigUint64(0, true);
  const claim = `its first 8 bytes announce a header of ${length.toLocaleString('en-US')} bytes`;
  if (length > BigInt(maxHeaderBytes)) {
    throw new UserError(
      `${path} is not a safetensors file: ${claim}, and ${formatCount(maxHeaderBytes)} is the most allowed`,
    );
  }
  if (length > BigInt(size - 8)) {
    throw new UserError(
      `${path} is truncated or not a safetensors file: ${claim}, but it has only ${formatCount(size)}`,
    );
  }
  const bytes = new Uint8Array(Number(length));
  await fill(path, handle, bytes, 8);
  return parseHeader(path, bytes, size);
}

/** Reads exactly `bytes.length` bytes from a position. */
async function fill(path: string, handle: fs.FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const wanted = Math.min(chunkBytes, bytes.length - done);
    const { bytesRead } = await handle.read(bytes, done, wanted, position + done);
    if (bytesRead === 0)
      throw new UserError(`${path} became shorter while it was read: it ends at byte ${position + done}`);
    done += bytesRead;
  }
}

function allocate(path: string, name: string, byteLength: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteLength);
  } catch {
    throw new UserError(
      `${path}: no memory for tensor ${quoted(name)} of ${formatBytes(byteLength)}: close other programs`,
    );
  }
}
