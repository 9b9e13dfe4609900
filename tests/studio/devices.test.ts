import fs from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { machineBudget } from '../../electron/studio/budget.ts';
import { findDevices, trainingDevices } from '../../electron/engine/devices/choose.ts';
import { driverMemoryOf, keepDriverMemory } from '../../electron/studio/driverMemory.ts';
import { driverMemoryPath } from '../../electron/studio/home.ts';
import { hasCpu } from '../engine/devices.ts';
import { noDriver, seeGpus } from '../gpus.ts';
import { tempDir } from '../temp.ts';
import { lack, where } from '../frame/needs.ts';

const [mib, gib] = [2 ** 20, 2 ** 30];
const small = { name: 'small GPU', memoryBytes: 4 * gib, freeBytes: 3 * gib };
const large = { name: 'large GPU', memoryBytes: 80 * gib, freeBytes: 80 * gib };

const cuda = async () => (await findDevices(undefined)).filter(({ kind }) => kind === 'cuda');

where(describe, [hasCpu, lack.cpu])('the devices of a machine', () => {
  it('are listed with every GPU, told apart by its number', async () => {
    seeGpus([small, 'An old GPU is too old: it takes an RTX 30', large]);
    const found = await cuda();
    expect(found.map(({ gpu, available }) => [gpu, available])).toEqual([
      [0, true],
      [1, false],
      [2, true],
    ]);
    expect(found[0]!.description).toMatch(/^GPU 0: small GPU \(sm_86, CUDA 13\.0\), 4\.00 GiB, 3\.00 GiB of it free/);
    expect(found[1]!.description).toMatch(/^An old GPU is too old/);
    expect(new Set(found.map(({ kind, gpu }) => `${kind} ${gpu}`)).size).toBe(3);
  });

  it('say that a library which is named can not be loaded', async () => {
    seeGpus([small]);
    vi.stubEnv('TRAINYARD_CUBLASLT', '/nowhere/libcublasLt.so');
    expect((await cuda())[0]!.description).toMatch(
      /own kernels .*: \/nowhere\/libcublasLt\.so, which .* can't be loaded$/,
    );
    vi.stubEnv('TRAINYARD_CUBLASLT', 'off');
    expect((await cuda())[0]!.description).toMatch(/own kernels multiply matrices$/);
  });

  it('say why there is no GPU, and what to do', async () => {
    seeGpus([], noDriver('13.0'));
    const [only, ...others] = await cuda();
    expect(others).toEqual([]);
    expect(only).toMatchObject({ kind: 'cuda', available: false });
    expect(only!.gpu).toBeUndefined();
    expect(only!.description).toMatch(/^There is no NVIDIA driver here.*install NVIDIA driver 580 or newer/);
  });

  it('are offered to a new run, the usual first, a GPU that can not be used never', () => {
    seeGpus([small, 'too old', large]);
    const offered = trainingDevices().map(({ kind, gpu }) => [kind, gpu]);
    expect(offered.slice(0, 3)).toEqual([
      ['cuda', 2],
      ['cuda', 0],
      ['cpu', undefined],
    ]);
    seeGpus([]);
    expect(trainingDevices().map(({ kind }) => kind)).not.toContain('cuda');
  });
});

describe('the memory of this machine', () => {
  it("is the processor's where there is no GPU", () => {
    seeGpus([]);
    const budget = machineBudget(tempDir());
    expect(budget).toMatchObject({ name: 'this machine', reserveBytes: 0, parts: [], isApart: false });
  });

  it('is that of the GPU which is asked about, less its driver and what others hold', () => {
    const home = tempDir();
    seeGpus([small, large]);
    expect(machineBudget(home, { kind: 'cuda' })).toEqual({
      name: "this machine's small GPU (GPU 0)",
      totalBytes: 4 * gib,
      parts: [
        { role: 'driver', bytes: 512 * mib, source: 'assumed' },
        { role: 'kernels', bytes: 192 * mib },
        { role: 'others', bytes: gib },
      ],
      reserveBytes: gib + 704 * mib,
      isApart: true,
      hostBytes: expect.closeTo(process.availableMemory(), -9) as number,
    });
    expect(machineBudget(home).name).toMatch(/large GPU/);
    expect(machineBudget(home, { kind: 'cuda', gpu: 1 })).toMatchObject({
      totalBytes: 80 * gib,
      reserveBytes: 704 * mib,
    });
    expect(machineBudget(home, { kind: 'cpu' })).toMatchObject({ name: 'this machine', isApart: false });
    expect(() => machineBudget(home, { kind: 'cuda', gpu: 2 })).toThrow(
      /no GPU 2 here: --gpu-index takes 0 to 1 .*trainyard doctor/,
    );
  });

  it('knows what a driver takes once a run has measured it there', () => {
    const home = tempDir();
    seeGpus([small]);
    keepDriverMemory(home, 'large GPU', 400 * mib, 208 * mib);
    expect(driverMemoryOf(home, 'large GPU')).toEqual({ bytes: 400 * mib, moduleReserveBytes: 0, source: 'measured' });
    // 40 MiB of the driver's came with programs, and an engine leaves 192 MiB for those.
    keepDriverMemory(home, 'small GPU', 300 * mib, 260 * mib);
    expect(machineBudget(home).parts.slice(0, 2)).toEqual([
      { role: 'driver', bytes: 300 * mib, source: 'measured' },
      { role: 'kernels', bytes: 152 * mib },
    ]);
    // Another program that began meanwhile was counted as the driver's.
    keepDriverMemory(home, 'small GPU', 3000 * mib, 260 * mib);
    expect(driverMemoryOf(home, 'small GPU')).toMatchObject({ bytes: 452 * mib, moduleReserveBytes: 0 });
    expect(driverMemoryOf(tempDir(), 'small GPU')).toEqual({
      ...{ bytes: 512 * mib, moduleReserveBytes: 192 * mib, source: 'assumed' },
    });
  });

  it('keeps the smallest context, and nothing that no driver takes', () => {
    const home = tempDir();
    keepDriverMemory(home, 'GPU', 300 * mib, 260 * mib);
    keepDriverMemory(home, 'GPU', 460 * mib, 400 * mib);
    expect(driverMemoryOf(home, 'GPU')).toEqual({
      bytes: 320 * mib,
      moduleReserveBytes: 132 * mib,
      source: 'measured',
    });
    keepDriverMemory(home, 'GPU', 9e9, 9e9);
    keepDriverMemory(home, 'GPU', Number.NaN, Number.NaN);
    expect(driverMemoryOf(home, 'GPU')).toMatchObject({ bytes: 320 * mib });
  });

  it('passes over what makes no sense in its file, entry by entry', () => {
    const home = tempDir();
    const good = { bytes: 300 * mib, contextBytes: 260 * mib };
    const write = (all: unknown) => fs.writeFileSync(driverMemoryPath(home), JSON.stringify(all));
    write({ good, large: { bytes: 9e9, contextBytes: 9e9 }, none: 'none', held: { ...good, bytes: 9e9 } });
    const source = (name: string) => driverMemoryOf(home, name).source;
    expect(['good', 'large', 'none', 'held'].map(source)).toEqual(['measured', 'assumed', 'assumed', 'measured']);
    expect(driverMemoryOf(home, 'held')).toMatchObject({ bytes: 452 * mib, moduleReserveBytes: 0 });
    keepDriverMemory(home, 'large', 300 * mib, 260 * mib);
    expect(['good', 'large'].map(source)).toEqual(['measured', 'measured']);
    write([good]);
    expect(source('good')).toBe('assumed');
  });
});
