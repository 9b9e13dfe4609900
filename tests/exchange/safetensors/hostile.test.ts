import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../electron/base/errors.ts';
import { SafetensorsFile, writeSafetensors } from '../../../electron/exchange/safetensors/index.ts';
import { tempDir } from '../../temp.ts';
import { posix, where } from '../../frame/needs.ts';

function fileOf(header: string | Uint8Array, payload = 0, announced?: bigint): string {
  const file = path.join(tempDir(), 'bad.safetensors');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(announced ?? BigInt(Buffer.byteLength(header)));
  fs.writeFileSync(file, Buffer.concat([length, Buffer.from(header), Buffer.alloc(payload)]));
  return file;
}

const tensor = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

async function refusal(file: string): Promise<string> {
  const error = await SafetensorsFile.open(file).then(
    () => expect.fail('was accepted'),
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(UserError);
  const { message } = error as Error;
  expect(message).toContain(file);
  expect(message).not.toMatch(/\p{Cc}/u);
  return message;
}

const ok = tensor('F32', '[2]', '[0,8]');
const cases: [what: string, header: string, payload: number, message: RegExp][] = [
  ['a header that is no JSON', '{"a":', 0, /not valid JSON/],
  ['a header that is an array', '[1]', 0, /not JSON/],
  ['a number where a tensor belongs', '{"a":3}', 0, /tensor "a" is not described/],
  ['an unknown dtype', `{"a":${tensor('F31', '[2]', '[0,8]')}}`, 8, /tensor "a" has the unknown dtype "F31"/],
  ['a negative dimension', `{"a":${tensor('F32', '[-2]', '[0,8]')}}`, 8, /tensor "a" has an impossible shape \[-2\]/],
  ['a fractional dimension', `{"a":${tensor('F32', '[0.5]', '[0,8]')}}`, 8, /impossible shape/],
  ['a huge dimension', `{"a":${tensor('F32', '[9007199254740993]', '[0,8]')}}`, 8, /impossible shape/],
  ['a product beyond 2^53', `{"a":${tensor('U8', '[94906267,94906267]', '[0,8]')}}`, 8, /impossible shape/],
  ['a text as a dimension', `{"a":${tensor('F32', '["2"]', '[0,8]')}}`, 8, /impossible shape/],
  ['no shape', '{"a":{"dtype":"F32","data_offsets":[0,8]}}', 8, /tensor "a" has no shape/],
  ['no offsets', '{"a":{"dtype":"F32","shape":[2]}}', 8, /tensor "a" has no valid data_offsets/],
  ['negative offsets', `{"a":${tensor('F32', '[2]', '[-8,0]')}}`, 8, /no valid data_offsets/],
  ['offsets in reverse', `{"a":${tensor('F32', '[2]', '[8,0]')}}`, 8, /ends \(0\) before it starts \(8\)/],
  ['offsets beyond the end', `{"a":${tensor('F32', '[4]', '[0,16]')}}`, 8, /tensor "a" lies outside the file/],
  [
    'bytes that do not match the shape',
    `{"a":${tensor('F32', '[3]', '[0,8]')}}`,
    8,
    /8 bytes where F32 \[3\] takes 12/,
  ],
  ['overlapping tensors', `{"a":${ok},"b":${tensor('U8', '[8]', '[4,12]')}}`, 12, /tensor "b" overlaps/],
  ['the same bytes twice', `{"a":${ok},"b":${ok}}`, 8, /overlaps/],
  ['a gap before the first', `{"a":${tensor('F32', '[2]', '[4,12]')}}`, 12, /4 bytes before tensor "a" belong to no/],
  ['bytes after the last', `{"a":${ok}}`, 9, /the last 1 byte belong/],
  ['a name given twice', `{"a":${ok},"\\u0061":${ok}}`, 8, /gives "a" twice/],
  ['a field given twice', '{"a":{"dtype":"F32","dtype":"I32","shape":[2],"data_offsets":[0,8]}}', 8, /"dtype" twice/],
  ['metadata that are not texts', '{"__metadata__":{"a":1}}', 0, /__metadata__/],
  ['deep nesting', `{"a":${'['.repeat(100_000)}`, 0, /nested too deeply/],
  ['control characters in a name', `{"\\u001b[2J\\n\u009b":1}`, 0, /tensor "\\u001b\[2J\\n\\u009b"/],
];

describe('refuses', () => {
  it.each(cases)('%s', async (_what, header, payload, message) => {
    expect(await refusal(fileOf(header, payload))).toMatch(message);
  });

  it('a header longer than the file', async () => {
    expect(await refusal(fileOf('{}', 0, 3n))).toMatch(/truncated or not a safetensors file: .*header of 3 bytes/);
  });

  it('a header longer than the format allows, without reading it', async () => {
    expect(await refusal(fileOf('{}', 0, 100_000_001n))).toMatch(/100,000,000 is the most/);
    expect(await refusal(fileOf('{}', 0, 2n ** 64n - 1n))).toMatch(/18,446,744,073,709,551,615 bytes/);
  });

  it('a header that is not UTF-8', async () => {
    expect(await refusal(fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)))).toMatch(/not JSON/);
  });

  it('an empty file, a folder and a missing file', async () => {
    const dir = tempDir();
    const empty = path.join(dir, 'empty');
    fs.writeFileSync(empty, '');
    expect(await refusal(empty)).toMatch(/only 0 bytes/);
    expect(await refusal(dir)).toMatch(/is not a file/);
    expect(await refusal(path.join(dir, 'missing'))).toMatch(/does not exist \(ENOENT\)/);
  });

  where(it, posix)('a named pipe, at once', async () => {
    const pipe = path.join(tempDir(), 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await refusal(pipe)).toMatch(/is not a file/);
  });

  it('millions of entries before they fill the memory', async () => {
    expect(await refusal(fileOf(`{"a":[${'[],'.repeat(7_100_000)}[]]}`))).toMatch(/too many entries/);
  });
});

describe('random damage', () => {
  const values = Float32Array.from({ length: 40 }, (_, i) => i + 1);
  const make = async () => {
    const file = path.join(tempDir(), 'x.safetensors');
    await writeSafetensors(file, [
      { name: 'h.0.weight', dtype: 'F32', shape: [4, 8], data: values.subarray(0, 32) },
      { name: 'h.0.bias', dtype: 'F32', shape: [8], data: values.subarray(32) },
    ]);
    return { file, whole: fs.readFileSync(file) };
  };

  it('a truncated file is always refused', async () => {
    const { file, whole } = await make();
    for (let size = 0; size < whole.length; size++) {
      fs.writeFileSync(file, whole.subarray(0, size));
      await refusal(file);
    }
  });

  it('flipped bytes in the header never crash it nor move a tensor to other bytes', async () => {
    const { file, whole } = await make();
    const headerEnd = whole.length - values.byteLength;
    const payload = whole.subarray(headerEnd);
    const flip = fc.record({ at: fc.nat({ max: headerEnd - 1 }), to: fc.nat({ max: 255 }) });
    await fc.assert(
      fc.asyncProperty(fc.array(flip, { minLength: 1, maxLength: 3 }), async (flips) => {
        const bytes = Buffer.from(whole);
        for (const { at, to } of flips) bytes[at] = to;
        fs.writeFileSync(file, bytes);
        const opened = await SafetensorsFile.open(file).catch((e: unknown) => e);
        if (!(opened instanceof SafetensorsFile)) {
          expect(opened).toBeInstanceOf(UserError);
          return;
        }
        try {
          const parts = await Promise.all(opened.names.map((n) => opened.read(n)));
          const read = Buffer.concat(parts.map((p) => Buffer.from(p.buffer, p.byteOffset, p.byteLength)));
          expect(read.equals(payload)).toBe(true);
        } finally {
          await opened.close();
        }
      }),
      { numRuns: 400 },
    );
  });
});
