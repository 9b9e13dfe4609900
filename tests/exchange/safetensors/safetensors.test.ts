import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesPerElement,
  type Dtype,
  dtypes,
  readSafetensorsHeader,
  SafetensorsFile,
  safetensorsBytes,
  type TensorSource,
  writeSafetensors,
} from '../../../electron/exchange/safetensors/index.ts';
import { goldenPath } from '../../golden/path.ts';
import { tempDir } from '../../temp.ts';

const bytesOf = (view: ArrayBufferView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength);

const tensor = fc
  .record({
    dtype: fc.constantFrom<Dtype>(...dtypes),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 4 }),
    seed: fc.nat({ max: 255 }),
  })
  .map(({ dtype, shape, seed }) => {
    const size = shape.reduce((product, dim) => product * dim, bytesPerElement(dtype));
    return { dtype, shape, data: Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) % 256) };
  });

const name = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom('wte.weight', '__proto__', '7', 'constructor', '', '"', '\\'),
);

const entries = fc
  .uniqueArray(fc.tuple(name, tensor), { selector: ([n]) => n, maxLength: 8 })
  .map((pairs) => pairs.map(([n, t]): TensorSource & { data: Uint8Array } => ({ name: n, ...t })));

describe('round trip', () => {
  it('gives back names, dtypes, shapes, bytes and metadata', async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    await fc.assert(
      fc.asyncProperty(entries, fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }), async (tensors, metadata) => {
        const written = await writeSafetensors(file, tensors, metadata);
        const content = fs.readFileSync(file);
        expect(written).toEqual({ bytes: content.length, sha256: createHash('sha256').update(content).digest('hex') });
        expect(safetensorsBytes(tensors, metadata)).toBe(content.length);
        expect(content.readBigUInt64LE() % 8n).toBe(0n);
        const opened = await SafetensorsFile.open(file);
        expect(opened.names.toSorted()).toEqual(tensors.map((t) => t.name).toSorted());
        expect({ ...opened.header.metadata }).toEqual({ ...metadata });
        for (const t of tensors) {
          const info = opened.info(t.name);
          expect(info).toMatchObject({ dtype: t.dtype, shape: t.shape, byteLength: t.data.length });
          expect(info.position % bytesPerElement(t.dtype)).toBe(0);
          expect(bytesOf(await opened.read(t.name)).equals(t.data)).toBe(true);
        }
        await opened.close();
      }),
      { numRuns: 60 },
    );
  });

  it('reads numbers as their own kind and every float dtype as float32', async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    await writeSafetensors(file, [
      { name: 'f32', dtype: 'F32', shape: [2], data: Float32Array.of(1.5, -2) },
      { name: 'f64', dtype: 'F64', shape: [1], data: Float64Array.of(0.1) },
      { name: 'f16', dtype: 'F16', shape: [2], data: Uint16Array.of(0x3c00, 0xc000) },
      { name: 'bf16', dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0xc000) },
      { name: 'i64', dtype: 'I64', shape: [], data: BigInt64Array.of(-5n) },
      { name: 'u8', dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) },
    ]);
    const opened = await SafetensorsFile.open(file);
    expect(await opened.read('f32')).toEqual(Float32Array.of(1.5, -2));
    expect(await opened.read('f16')).toEqual(Uint16Array.of(0x3c00, 0xc000));
    expect(await opened.read('i64')).toEqual(BigInt64Array.of(-5n));
    expect(await opened.readFloat32('f16')).toEqual(Float32Array.of(1, -2));
    expect(await opened.readFloat32('bf16')).toEqual(Float32Array.of(1, -2));
    expect(await opened.readFloat32('f64')).toEqual(Float32Array.of(0.1));
    await expect(opened.readFloat32('u8')).rejects.toThrow(/tensor "u8" holds U8/);
    await expect(opened.read('nope')).rejects.toThrow(/has no tensor "nope"/);
    await opened.close();
  });

  it('tells names with escapes apart, whichever came before', async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    for (const odd of ['\\', '"', '\\n', '\n', '\\u0022', '\\"']) {
      await writeSafetensors(file, [{ name: odd, dtype: 'U8', shape: [1], data: Uint8Array.of(1) }]);
      expect([...(await readSafetensorsHeader(file)).tensors.keys()]).toEqual([odd]);
    }
  });

  it('asks for one tensor at a time, and writes one larger than a chunk whole', async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    const big = new Uint32Array(5 * 2 ** 20).map((_, i) => Math.imul(i, 2654435761));
    const asked: string[] = [];
    const source = (n: string, data: Uint32Array): TensorSource => ({
      name: n,
      dtype: 'U32',
      shape: [data.length],
      data: async () => {
        asked.push(n);
        return data;
      },
    });
    const written = await writeSafetensors(file, [source('a', big), source('b', big.subarray(1, 4))]);
    expect(asked).toEqual(['a', 'b']);
    expect(written.sha256).toBe(createHash('sha256').update(fs.readFileSync(file)).digest('hex'));
    const opened = await SafetensorsFile.open(file);
    expect(bytesOf(await opened.read('a')).equals(bytesOf(big))).toBe(true);
    expect(await opened.read('b')).toEqual(big.slice(1, 4));
    await opened.close();
  });

  it('leaves no file behind when a tensor has the wrong size', async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    const wrong: TensorSource = { name: 'w', dtype: 'F32', shape: [3], data: new Float32Array(2) };
    await expect(writeSafetensors(file, [wrong])).rejects.toThrow(/"w" has 8 bytes where its shape takes 12/);
    expect(fs.existsSync(file)).toBe(false);
  });
});

describe('golden files', () => {
  it('parse and match their shapes', async () => {
    for (const file of ['model', 'grads', 'trained']) {
      const opened = await SafetensorsFile.open(goldenPath('gpt2-tiny', `${file}.safetensors`));
      expect(opened.info('wte.weight')).toMatchObject({ dtype: 'F32', shape: [97, 64], byteLength: 97 * 64 * 4 });
      expect(opened.info('h.0.attn.c_attn.weight').shape).toEqual([64, 192]);
      for (const n of opened.names) {
        const values = await opened.readFloat32(n);
        expect(values.length).toBe(opened.info(n).shape.reduce((a, b) => a * b, 1));
        expect(values.every(Number.isFinite)).toBe(true);
      }
      await opened.close();
    }
    const { tensors } = await readSafetensorsHeader(goldenPath('gpt2-tiny', 'forward.safetensors'));
    expect([...tensors].map(([n, t]) => [n, t.shape])).toEqual([
      ['logits', [3, 32, 97]],
      ['token_losses', [3, 32]],
    ]);
  });
});
