import { plural } from '../../base/format.ts';
import fs from 'node:fs';
import path from 'node:path';
import { UserError } from '../../base/errors.ts';
import { isSystemError, meaningOf } from '../../base/systemErrors.ts';

/**
 * `nanogpt`: tokens and nothing else, uint16 or, of vocabularies beyond 65,536, uint32. `llmc`: the same behind a header of
 * 256 int32: magic, version, count.
 */
export const tokenFormats = ['nanogpt', 'llmc'] as const;
export type TokenFormat = (typeof tokenFormats)[number];

/** How a token is stored, little-endian. */
export const tokenTypes = ['uint8', 'uint16', 'uint32', 'int32', 'int64'] as const;
export type TokenType = (typeof tokenTypes)[number];

export const bytesOfType: Readonly<Record<TokenType, number>> = { uint8: 1, uint16: 2, uint32: 4, int32: 4, int64: 8 };

/** llm.c's magic numbers, by what they say of the tokens behind them. */
export const llmcMagic = 20240520;
export const llamaMagic = 20240801;
export const llamaVersion = 7;
export const headerBytes = 256 * 4;

/** Where the tokens of a file are, and how they are stored. */
export interface Layout {
  readonly format: TokenFormat | 'npy' | 'llmc-llama3';
  readonly type: TokenType;
  readonly offset: number;
  readonly tokens: number;
  /** What people should know of how that was found out. */
  readonly notice?: string;
}

export const refuse = (file: string, problem: string): UserError =>
  new UserError(`${file} is no usable file of tokens: ${problem}.`);

export function readAt(file: string, position: number, bytes: number): Buffer {
  const fd = fs.openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(bytes);
    for (let done = 0; done < bytes;) {
      const n = fs.readSync(fd, buffer, done, bytes - done, position + done);
      if (n === 0) throw refuse(file, 'it became shorter while it was read');
      done += n;
    }
    return buffer;
  } finally {
    fs.closeSync(fd);
  }
}

/** Files that begin like this hold something else. */
const others: readonly (readonly [begin: readonly number[], what: string])[] = [
  [[0x50, 0x4b, 0x03, 0x04], 'a ZIP archive, such as .npz or a PyTorch file: save the array as .npy'],
  [[0x1f, 0x8b, 0x08], 'compressed (gzip): unpack it'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed (zstd): unpack it'],
  [[0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], 'compressed (xz): unpack it'],
  [[0x42, 0x5a, 0x68, 0x39], 'compressed (bzip2): unpack it'],
  [[0x50, 0x41, 0x52, 0x31], 'a Parquet file: add it with `data add`'],
  [[0x41, 0x52, 0x52, 0x4f, 0x57, 0x31], 'an Arrow file: add it with `data add`'],
  [[0x89, 0x48, 0x44, 0x46], 'an HDF5 file: save the array as .npy'],
  [[0x47, 0x47, 0x55, 0x46], 'a GGUF model'],
  [[0x4d, 0x4d, 0x49, 0x44, 0x49, 0x44, 0x58], "Megatron's index: name the .bin file beside it"],
  [
    [0x76, 0x65, 0x72, 0x73, 0x69, 0x6f, 0x6e, 0x20, 0x68, 0x74, 0x74, 0x70],
    'a Git LFS pointer: fetch it with `git lfs pull`',
  ],
];

const isText = (head: Buffer): boolean =>
  head.length >= 64 && head.every((b) => b === 9 || b === 10 || b === 13 || (b >= 0x20 && b < 0x7f));

/**
 * Finds out how the tokens of a file are stored: by its header, else by the type that is given, else by what they look like.
 * @throws UserError when it can't be read, is cut off, or holds something else: what it is
 */
export function layoutOf(file: string, given?: TokenType): Layout {
  try {
    const stat = fs.statSync(file);
    if (!stat.isFile()) throw refuse(file, 'it is no file');
    if (stat.size === 0) throw refuse(file, 'it is empty');
    const head = readAt(file, 0, Math.min(headerBytes, stat.size));
    if (head.subarray(0, 6).equals(npyMagic)) return npyLayout(file, stat.size, given);
    const llmc = llmcLayout(file, head, stat.size);
    if (llmc) {
      if (given !== undefined && given !== llmc.type)
        throw refuse(file, `its header (llm.c's) says ${llmc.type}, and ${given} was asked for`);
      return llmc;
    }
    const other = others.find(([begin]) => begin.every((byte, i) => head[i] === byte));
    if (other) throw refuse(file, `it is ${other[1]}`);
    if (isText(head)) throw refuse(file, 'it is text: add it with `data add`');
    return rawLayout(file, stat.size, given);
  } catch (error) {
    if (isSystemError(error)) throw new UserError(`${file} can't be read: ${meaningOf(error)}.`);
    throw error;
  }
}

function llmcLayout(file: string, head: Buffer, size: number): Layout | undefined {
  if (head.length < headerBytes) return undefined;
  const swapped = head.readInt32BE(0);
  if (swapped === llmcMagic || swapped === llamaMagic)
    throw refuse(file, "its header is llm.c's, big-endian, and little-endian is needed");
  const magic = head.readInt32LE(0);
  if (magic !== llmcMagic && magic !== llamaMagic) return undefined;
  const [version, tokens] = [head.readInt32LE(4), head.readInt32LE(8)];
  const isLlama = magic === llamaMagic;
  const [expected, whose] = isLlama ? [llamaVersion, "uint32 tokens of Llama 3's"] : [1, 'tokens of GPT-2'];
  if (version !== expected)
    throw refuse(file, `its header has version ${version}, and ${expected} (${whose}) can be read`);
  const type = isLlama ? 'uint32' : 'uint16';
  if (tokens < 1 || size !== headerBytes + bytesOfType[type] * tokens)
    throw refuse(
      file,
      `its header announces ${plural(tokens, 'token')} and it has room for ${(size - headerBytes) / bytesOfType[type]}`,
    );
  return { format: isLlama ? 'llmc-llama3' : 'llmc', type, offset: headerBytes, tokens };
}

const npyMagic = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]);

/** NumPy's names of what can be read. */
const npyTypes: Readonly<Record<string, TokenType>> = {
  '|u1': 'uint8',
  '<u2': 'uint16',
  '<u4': 'uint32',
  '<i4': 'int32',
  '<i8': 'int64',
  '<u8': 'int64',
};

/** NumPy's format (NEP 1): version, the header's length, and a Python dictionary of type, order and shape. */
function npyLayout(file: string, size: number, given: TokenType | undefined): Layout {
  const cut = (): UserError => refuse(file, 'it is a .npy file that is cut off in its header');
  if (size < 12) throw cut();
  const start = readAt(file, 0, 12);
  const isOld = start[6] === 1;
  const begin = isOld ? 10 : 12;
  const length = isOld ? start.readUInt16LE(8) : start.readUInt32LE(8);
  if (length > 1 << 20 || size < begin + length) throw cut();
  const text = readAt(file, begin, length).toString('latin1');
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/
    .exec(text)?.[1]
    ?.split(',')
    .map((s) => s.trim())
    .filter(Boolean)
    .map(Number);
  if (!shape || shape.some((n) => !Number.isSafeInteger(n)))
    throw refuse(file, "it is a .npy file whose header can't be read");
  if (descr === undefined) throw refuse(file, 'it is a .npy file of records: one array of whole numbers is needed');
  if (descr.startsWith('>'))
    throw refuse(file, `it is a .npy file of ${descr}, big-endian: save array.astype("uint32")`);
  const type = npyTypes[descr];
  if (type === undefined) throw refuse(file, `it is a .npy file of ${descr}: save array.astype("uint32")`);
  if (given !== undefined && given !== type)
    throw refuse(file, `its header (NumPy's) says ${type}, and ${given} was asked for`);
  if (shape.length !== 1)
    throw refuse(file, `it is a .npy file of shape (${shape.join(', ')}): one row of tokens is needed, array.ravel()`);
  const [tokens] = shape as [number];
  const room = (size - begin - length) / bytesOfType[type];
  if (tokens < 1) throw refuse(file, 'it is empty');
  if (room !== tokens)
    throw refuse(file, `its header announces ${plural(tokens, 'token')} and it has room for ${Math.floor(room)}`);
  return { format: 'npy', type, offset: begin + length, tokens };
}

/** Numbers that are looked at to find out how they are stored. */
const sampleBytes = 1 << 18;

/** Bytes of a file that has no header. */
function rawLayout(file: string, size: number, given: TokenType | undefined): Layout {
  const found = given ?? megatronType(file) ?? likelyType(readAt(file, 0, Math.min(size, sampleBytes) & ~7), size);
  const type = found ?? 'uint16';
  const width = bytesOfType[type];
  if (size % width !== 0) {
    const odd =
      width === 2
        ? `an odd number of bytes (${size}), and a token takes two`
        : `${size} bytes, and a token (${type}) takes ${width}`;
    throw refuse(file, `it has ${odd}`);
  }
  return {
    format: 'nanogpt',
    type,
    offset: 0,
    tokens: size / width,
    ...(found === undefined || given !== undefined
      ? {}
      : { notice: `its tokens are taken for ${type}: --dtype says otherwise` }),
  };
}

/** Tokens of any vocabulary are below this, so that the upper half of a 32-bit one is small. */
const highWords = 8;
const fewest = 64;

/** The type that numbers have which are 0 or next to it in every second or all but every fourth 16 bits; undefined: uint16. */
function likelyType(sample: Buffer, size: number): TokenType | undefined {
  const words = new Uint16Array(sample.length / 2).map((_, i) => sample.readUInt16LE(2 * i));
  const small = (every: number, from: number): boolean => {
    for (let i = from; i < words.length; i += every) if (words[i]! >= highWords) return false;
    return true;
  };
  if (words.length < 2 * fewest || small(2, 0)) return undefined;
  if (size % 8 === 0 && small(4, 1) && small(4, 2) && small(4, 3)) return 'int64';
  return size % 4 === 0 && small(2, 1) ? 'uint32' : undefined;
}

const megatronTypes: Readonly<Record<number, TokenType>> = { 1: 'uint8', 4: 'int32', 5: 'int64', 8: 'uint16' };

/** What Megatron's index beside a file says of it; undefined where there is none. */
function megatronType(file: string): TokenType | undefined {
  const index = file.replace(/\.bin$/, '.idx');
  if (index === file || !fs.existsSync(index) || fs.statSync(index).size < 18) return undefined;
  const head = readAt(index, 0, 18);
  if (head.subarray(0, 9).toString('latin1') !== 'MMIDIDX\0\0') return undefined;
  const type = megatronTypes[head[17]!];
  if (type === undefined) throw refuse(file, `${path.basename(index)} beside it says that it holds no whole numbers`);
  return type;
}
