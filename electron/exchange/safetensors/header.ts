import { UserError } from '../../base/errors.ts';
import { formatCount } from '../../base/format.ts';
import { byteLengthOf, type Dtype, dtypes, isDtype } from './dtypes.ts';
import { quoted, scan } from './scan.ts';

/** The format's own limit. */
export const maxHeaderBytes = 100_000_000;

/** The header's one entry that is no tensor: texts about the file. */
export const metadataKey = '__metadata__';

export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly byteLength: number;
  /** Position of the first byte in the file. */
  readonly position: number;
}

export interface SafetensorsHeader {
  /** In the order of their bytes. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly fileBytes: number;
}

/**
 * Checks and decodes a header. Format: 8 bytes with the header's length (u64), the header as JSON, the tensors' bytes
 * back to back with nothing between, before or after them.
 *
 * @param file name of the file, for messages
 * @param bytes the header without its length
 * @param fileBytes size of the whole file
 * @throws UserError naming file and tensor
 */
export function parseHeader(file: string, bytes: Uint8Array, fileBytes: number): SafetensorsHeader {
  const refuse = (problem: string) => new UserError(`${file} is not a usable safetensors file: ${problem}`);
  const json = decoded(bytes);
  if (json === null || !json.startsWith('{')) throw refuse('its header is not JSON');
  const members = scan(json);
  if (typeof members === 'string') throw refuse(`its header ${members}`);
  const values = parsed(json) === null ? null : parsed(`[${members.map((m) => json.slice(m.start, m.end)).join(',')}]`);
  if (!Array.isArray(values)) throw refuse('its header is not valid JSON');

  const dataStart = 8 + bytes.length;
  const tensors: [string, TensorInfo][] = [];
  let metadata: unknown = {};
  for (const [i, { name }] of members.entries()) {
    if (name === metadataKey) {
      metadata = values[i];
      continue;
    }
    const info = tensorInfo(values[i], dataStart, fileBytes);
    if (typeof info === 'string') throw refuse(`tensor ${quoted(name)} ${info}`);
    tensors.push([name, info]);
  }
  tensors.sort(([, a], [, b]) => a.position - b.position || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const [name, { position, byteLength }] of tensors) {
    if (position < end) throw refuse(`tensor ${quoted(name)} overlaps the one before it`);
    if (position > end) throw refuse(`${bytesText(position - end)} before tensor ${quoted(name)} belong to no tensor`);
    end = position + byteLength;
  }
  if (end < fileBytes) throw refuse(`the last ${bytesText(fileBytes - end)} belong to no tensor`);

  if (!isRecord(metadata) || !Object.values(metadata).every((v) => typeof v === 'string')) {
    throw refuse(`its ${metadataKey} is not a table of texts`);
  }
  return { tensors: new Map(tensors), metadata: metadata as Record<string, string>, fileBytes };
}

/** A tensor's entry, or what is wrong with it. */
function tensorInfo(value: unknown, dataStart: number, fileBytes: number): TensorInfo | string {
  if (!isRecord(value)) return 'is not described by an object';
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isDtype(dtype)) {
    return `has the unknown dtype ${typeof dtype === 'string' ? quoted(dtype) : typeof dtype} (known: ${dtypes.join(' ')})`;
  }
  if (!Array.isArray(shape)) return 'has no shape';
  const byteLength = byteLengthOf(dtype, shape);
  if (byteLength === null) return `has an impossible shape ${shapeText(shape)}`;
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every((o) => Number.isSafeInteger(o) && o >= 0)) {
    return 'has no valid data_offsets';
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) return `ends (${end}) before it starts (${begin})`;
  if (dataStart + end > fileBytes) {
    return `lies outside the file: it ends at byte ${formatCount(dataStart + end)} of ${formatCount(fileBytes)} (truncated?)`;
  }
  if (end - begin !== byteLength) {
    return `has ${bytesText(end - begin)} where ${dtype} ${shapeText(shape)} takes ${formatCount(byteLength)}`;
  }
  return { dtype, shape: shape as number[], byteLength, position: dataStart + begin };
}

function decoded(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const bytesText = (n: number) => `${formatCount(n)} ${n === 1 ? 'byte' : 'bytes'}`;

function shapeText(shape: readonly unknown[]): string {
  const text = JSON.stringify(shape.slice(0, 16));
  return shape.length > 16 || text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
