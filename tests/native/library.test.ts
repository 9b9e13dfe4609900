import fs from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CudaDevice } from '../../electron/engine/devices/cuda/device.ts';
import type { Device } from '../../electron/engine/devices/device.ts';
import { tfjs } from '../engine/devices.ts';
import { expectResults, expectSameBits } from '../engine/ops/check.ts';
import { type Numbers, run } from '../engine/ops/oneCall.ts';
import { makeCall, table } from '../engine/ops/table.ts';
import { smallRun, train } from '../engine/run/harness.ts';
import { tempDir } from '../temp.ts';
import { createPlayedGpu, emulatedAddonPath, hasEmulator, loadPlayingAddon, standInLibraryPath } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

const hasLibrary = hasEmulator && fs.existsSync(standInLibraryPath);
const open = (options: { library?: string | null; productsFile?: string; tf32?: boolean } = {}): CudaDevice =>
  createPlayedGpu({ library: standInLibraryPath, ...options });

/** The stand-in sleeps over sums of so many terms. */
const slowDepth = 200;

const sizes = fc.constantFrom(8, 24, 72);
const shapes: Record<string, fc.Arbitrary<Numbers>> = {
  ...Object.fromEntries(
    ['linear', 'linearGeluTanh', 'linearBackwardInput', 'linearBackwardInputGeluTanh', 'linearBackwardWeight'].map(
      (kind) => [kind, fc.record({ rows: sizes, in: sizes, out: sizes })],
    ),
  ),
  headCrossEntropyGrad: fc.record({
    rows: fc.constantFrom(8, 520),
    width: fc.constantFrom(8, 24),
    paddedVocab: fc.constant(64),
  }),
};

where(describe, [hasLibrary, lack.emulator])("NVIDIA's library of matrix products, played by a stand-in", () => {
  const addon = hasLibrary ? loadPlayingAddon() : undefined!;
  let reference: Device;
  beforeAll(async () => {
    reference = await tfjs.open();
  });
  afterEach(() => vi.restoreAllMocks());

  it('is told by its version, and not missed where it is not there', () => {
    expect(open().gpu.library).toBe('cuBLASLt 13.0.2');
    expect(addon.libraryVersion(standInLibraryPath)).toBe('cuBLASLt 13.0.2');
    for (const library of [path.join(tempDir(), 'none.so'), null]) {
      const device = open({ library });
      expect(device.gpu.library).toBe('');
      expect(device.products()).toEqual([]);
    }
    // A library that is another one.
    expect(open({ library: emulatedAddonPath }).gpu.library).toBe('');
  });

  const cases = (['f32', 'bf16', 'f16'] as const).flatMap((precision) =>
    Object.entries(shapes).map(([kind, dims]) => ({ kind, precision, dims })),
  );
  it.each(cases)('gives the reference result of $kind in $precision', async ({ kind, precision, dims }) => {
    const c = table.find((entry) => entry.kind === kind)!;
    const device = open();
    const property = fc.asyncProperty(dims, fc.integer(), fc.boolean(), async (d, seed, all) => {
      const one = await makeCall(c, d, all, seed, (o) => run(reference, o), precision);
      addon.launched(device.native);
      const actual = await run(device, one);
      expectResults(c, one, actual, await run(reference, one));
      expectSameBits(one, await run(device, one), actual);
    });
    await fc.assert(property, { seed: 5, numRuns: 8 });
    const products = device.products();
    expect(products.length).toBeGreaterThan(0);
    expect(products.some((p) => p.algorithm !== '')).toBe(true);
    for (const { librarySeconds, ownSeconds } of products) expect(ownSeconds > 0 && librarySeconds > 0).toBe(true);
  });

  it('is not used for what it multiplies more slowly, and tried once for each product', async () => {
    const c = table.find((entry) => entry.kind === 'linear')!;
    const device = open();
    const one = async (d: Numbers) => makeCall(c, d, false, 1, (o) => run(reference, o), 'bf16');
    const call = await one({ rows: 8, in: slowDepth, out: 8 });
    await run(device, call);
    const [product] = device.products();
    expect(product).toMatchObject({ algorithm: '' });
    expect(product!.librarySeconds).toBeGreaterThan(product!.ownSeconds);
    addon.launched(device.native);
    await run(device, call);
    expect(addon.launched(device.native)).toEqual(['tensorGemm']);
    await run(device, await one({ rows: 8, in: 72, out: 8 }));
    expect(device.products().map((p) => p.algorithm === '')).toContain(false);
  });

  it('is chosen as it was before, by what is kept of it, whoever is faster now', async () => {
    const c = table.find((entry) => entry.kind === 'linear')!;
    const productsFile = path.join(tempDir(), 'gpu-products.json');
    const one = await makeCall(c, { rows: 8, in: 24, out: 8 }, false, 1, (o) => run(reference, o), 'bf16');
    const first = open({ productsFile });
    await run(first, one);
    const found = first.products();
    expect(found).toMatchObject([{ algorithm: expect.stringMatching(/^[0-9a-f]{128}$/) }]);

    const kept = JSON.parse(fs.readFileSync(productsFile, 'utf8')) as Record<string, unknown[]>;
    expect(Object.keys(kept)).toEqual([expect.stringMatching(/^emulated GPU \(8\.0\), cuBLASLt 13\.0\.2, Trainyard /)]);
    // As if own kernels had been faster.
    const [key] = Object.keys(kept);
    fs.writeFileSync(productsFile, JSON.stringify({ other: [], [key!]: [{ ...found[0], algorithm: '' }] }));
    const second = open({ productsFile });
    addon.launched(second.native);
    await run(second, one);
    expect(addon.launched(second.native)).toContain('tensorGemm');
    expect(second.products()).toMatchObject([{ algorithm: '' }]);
    expect(Object.keys(JSON.parse(fs.readFileSync(productsFile, 'utf8')) as object)).toContain('other');
  });

  it('is tried anew where what is kept is damaged or no longer works', async () => {
    const c = table.find((entry) => entry.kind === 'linear')!;
    const productsFile = path.join(tempDir(), 'gpu-products.json');
    const one = await makeCall(c, { rows: 8, in: 24, out: 8 }, false, 1, (o) => run(reference, o), 'bf16');
    fs.writeFileSync(productsFile, '{"half');
    const first = open({ productsFile });
    const expected = await run(first, one);
    const kept = JSON.parse(fs.readFileSync(productsFile, 'utf8')) as Record<string, { algorithm: string }[]>;
    const [key] = Object.keys(kept);
    const unknown = '0'.repeat(128);
    fs.writeFileSync(productsFile, JSON.stringify({ [key!]: [{ ...kept[key!]![0], algorithm: unknown }] }));
    const second = open({ productsFile });
    expectSameBits(one, await run(second, one), expected);
    expect(second.products()[0]!.algorithm).not.toBe(unknown);
    expect(second.products()[0]!.algorithm).not.toBe('');
  });

  it("says so where it can't be kept, and trains all the same", async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue(undefined);
    const device = open({ productsFile: path.join(tempDir(), 'missing', 'gpu-products.json') });
    const config = smallRun({ phases: [{ kind: 'constant', steps: 2, from: 3e-3, to: 3e-3 }] });
    const { outcome, losses } = await train(device, tempDir(), config);
    expect(outcome).toMatchObject({ state: 'completed' });
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('may not be bit-exact'));
    const own = await train(open({ library: null }), tempDir(), config);
    for (const [i, loss] of losses.entries()) expect(Math.abs(loss - own.losses[i]!)).toBeLessThan(1e-4);
    expect(device.products().some((p) => p.algorithm !== '')).toBe(true);
  });

  it('is chosen as in the run that is resumed, to the bit, whatever is kept beside it', async () => {
    const config = smallRun({ phases: [{ kind: 'constant', steps: 3, from: 3e-3, to: 3e-3 }] });
    // One measurement for both: on a busy machine a second one may find otherwise.
    const measured = path.join(tempDir(), 'gpu-products.json');
    const whole = open({ productsFile: measured });
    const expected = await train(whole, tempDir(), config);
    const choices = whole.products();
    expect(choices.some((p) => p.algorithm !== '')).toBe(true);

    const root = tempDir();
    const first = await train(open({ productsFile: measured }), root, config, { stopAfter: 1 });
    // Own kernels were faster, as another process found out.
    const productsFile = path.join(tempDir(), 'gpu-products.json');
    const own = choices.map((p) => ({ ...p, algorithm: '' }));
    fs.writeFileSync(productsFile, JSON.stringify({ [whole.choices!()!.of]: own }));
    const resumed = open({ productsFile });
    expect(resumed.products().every((p) => p.algorithm === '')).toBe(true);
    const rest = await train(resumed, root, config, { from: await first.checkpoint(1) });
    expect([...first.losses, ...rest.losses]).toEqual(expected.losses);
    expect(resumed.products().map((p) => p.algorithm)).toEqual(choices.map((p) => p.algorithm));
    // What is kept is not changed by a run that goes its own way.
    const kept = JSON.parse(fs.readFileSync(productsFile, 'utf8')) as Record<string, { algorithm: string }[]>;
    expect(Object.values(kept)[0]!.every((p) => p.algorithm === '')).toBe(true);
  });

  it('is told where a run goes on without it, and not where it goes on with it', async () => {
    const config = smallRun({ phases: [{ kind: 'constant', steps: 2, from: 3e-3, to: 3e-3 }] });
    const root = tempDir();
    const first = await train(open(), root, config, { stopAfter: 1 });
    for (const [library, reported] of [
      [standInLibraryPath, false],
      [null, true],
    ] as const) {
      const { events } = await train(open({ library }), root, config, { from: await first.checkpoint(1) });
      expect(events.some((e) => e.type === 'otherBits' && e.step === 1)).toBe(reported);
    }
  });

  it('multiplies float32 with rounded factors where that is asked for, which is another product', async () => {
    const c = table.find((entry) => entry.kind === 'linear')!;
    const one = await makeCall(c, { rows: 8, in: 24, out: 8 }, false, 1, (o) => run(reference, o));
    for (const tf32 of [true, false]) {
      const device = open({ tf32 });
      expectResults(c, one, await run(device, one), await run(reference, one));
      expect(device.products().map((p) => p.product.startsWith('f32(tf32)>f32 '))).toEqual([tf32]);
    }
  });

  it('takes its memory before any arena, and gives it back', () => {
    const [without, having] = [open({ library: null }), open()];
    const scratch = 4 * 2 ** 20;
    const less = without.memory!().freeBytes - having.memory!().freeBytes;
    expect(less).toBeGreaterThanOrEqual(scratch);
    expect(less).toBeLessThan(scratch + 2 ** 18);
  });
});
