import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createCudaDevice, type CudaDevice } from '../../electron/engine/devices/cuda/device.ts';
import { emulatedAddonPath, loadGpuAddon } from '../../electron/engine/devices/cuda/addon.ts';
import { parseRunConfig } from '../../electron/engine/config.ts';
import type { Session } from '../../electron/engine/devices/device.ts';
import { plan, type Plan } from '../../electron/engine/program/planner.ts';
import type { Buffer, Program } from '../../electron/engine/program/types.ts';
import { RunPrograms } from '../../electron/engine/trainer/programs.ts';
import { tempDir } from '../temp.ts';
import { smallRun, train } from '../engine/trainer/harness.ts';
import { hasEmulator } from './devices.ts';

const mib = 2 ** 20;

/** A program that only needs memory. */
function filling(bytes: number): { program: Program; plan: Plan } {
  const buffer: Buffer = { name: 'x', shape: [bytes / 4], dtype: 'f32', role: 'parameter' };
  const program: Program = { name: 'filling', calls: [] };
  const none = plan([program]);
  const placements = new Map([[buffer, { arena: 'parameter', offset: 0 } as const]]);
  return {
    program,
    plan: { ...none, placements, arenaBytes: { ...none.arenaBytes, parameter: bytes, output: 256 } },
  };
}

describe.skipIf(!hasEmulator)("a GPU's memory", () => {
  let device: CudaDevice;
  beforeEach(() => {
    device = createCudaDevice({ addon: emulatedAddonPath, order: 'forward', library: null, memoryBytes: 8 * mib });
  });
  const load = (bytes: number) => {
    const { program, plan: placed } = filling(bytes);
    return device.load([program], placed);
  };

  it('is that of the plan, and given back', async () => {
    const { freeBytes } = device.memory();
    const session = await load(2 * mib);
    expect(device.memory()).toMatchObject({ freeBytes: freeBytes - 2 * mib - 256, arenaBytes: 2 * mib + 256 });
    expect(session.allocatedBytes()).toBe(2 * mib + 256);
    session.close();
    expect(device.memory()).toMatchObject({ freeBytes, arenaBytes: 0 });
  });

  it('is held for what is loaded later, whatever has been taken meanwhile', async () => {
    const [small, large] = [filling(mib), filling(3 * mib)];
    device.reserve([small.plan, large.plan]);
    const reserved = device.memory();
    expect(reserved.arenaBytes).toBe(3 * mib + 256);
    const first = await load(mib);
    expect(device.memory()).toEqual(reserved);
    // Another takes nearly all that is left.
    const other = await load(4 * mib);
    first.close();
    const second = await load(3 * mib);
    expect(() => device.reserve([large.plan])).toThrow('in use');
    await expect(load(2 * mib)).rejects.toThrow('out of memory');
    second.close();
    other.close();
    const { freeBytes, arenaBytes } = reserved;
    expect(device.memory()).toMatchObject({ freeBytes, arenaBytes });
  });

  it('is set aside for what comes with programs that are loaded later', async () => {
    const addon = loadGpuAddon(emulatedAddonPath);
    const setAside = vi.spyOn(addon, 'setAside');
    onTestFinished(() => setAside.mockRestore());
    const options = { addon: emulatedAddonPath, order: 'forward', library: null, memoryBytes: 8 * mib } as const;
    const own = createCudaDevice({ ...options, asideBytes: 4 * mib });
    const { broughtBytes } = own.memory();
    expect(own.memory()).toMatchObject({ asideBytes: 0, freeBytes: 8 * mib - broughtBytes });
    // Nobody trains yet.
    const { program, plan: placed } = filling(mib);
    (await own.load([program], placed)).close();
    expect(own.memory().asideBytes).toBe(0);

    own.reserve([placed]);
    const asideBytes = 4 * mib - broughtBytes;
    expect(own.memory()).toMatchObject({ asideBytes, broughtBytes, arenaBytes: mib + 256 });
    expect(own.overheadBytes()).toBe(broughtBytes);
    setAside.mockClear();
    const session = await own.load([program], placed);
    expect(setAside.mock.calls.map(([, bytes]) => bytes)).toEqual([0, asideBytes]);
    expect(own.memory()).toMatchObject({ asideBytes, broughtBytes });
    session.close();
    const tooMuch = createCudaDevice({ ...options, asideBytes: 7 * mib });
    expect(() => tooMuch.reserve([filling(2 * mib).plan])).toThrow('out of memory');
  });

  it('is not kept by what could not be loaded', async () => {
    const { plan: placed } = filling(mib);
    const unknown = { name: 'broken', calls: [] } as Program;
    const { freeBytes, arenaBytes } = device.memory();
    Object.defineProperty(unknown, 'calls', {
      get: () => {
        throw new Error('broken');
      },
    });
    await expect(device.load([unknown], placed)).rejects.toThrow('broken');
    expect(device.memory()).toMatchObject({ freeBytes, arenaBytes });
  });

  it('is allocated before the first step, and never while a run trains, evaluates and saves', async () => {
    const config = smallRun({
      phases: [{ kind: 'constant', steps: 50, from: 3e-3, to: 3e-3 }],
      model: { vocabSize: 61, contextLength: 16, nLayer: 1, nHead: 1, nEmbd: 8, dropout: 0 },
      batch: 4,
      evaluation: { every: 10, sequences: 4 },
      checkpoints: { every: 25, keepLast: 9 },
      optimizer: { kind: 'pagedAdamw8bit' },
    });
    const allocations = new Set<number>();
    const { outcome } = await train(device, tempDir(), config, {
      onEvent: () => allocations.add(device.memory().allocations),
    });
    expect(outcome).toMatchObject({ state: 'completed', step: 50 });
    expect(allocations.size).toBe(1);
  });

  it.each([
    ['is taken as later phases that need more are chosen', 0],
    ['is not promised to later phases where others have taken it', 8 * mib],
  ])('%s', async (_, taken) => {
    const config = smallRun({
      phases: [{ kind: 'constant', steps: 3, from: 3e-3, to: 3e-3, optimizer: 'adamw8bit' }],
    });
    const added = { kind: 'constant', steps: 1, from: 3e-3, to: 3e-3, optimizer: 'adamw' } as const;
    const whole = await train(device, tempDir(), config);
    const held: number[] = [];
    let other: Session | undefined;
    const { outcome, events, losses } = await train(device, tempDir(), config, {
      onStep(trainer, step) {
        held.push(device.memory().arenaBytes);
        if (step !== 1) return;
        // After the run has looked at what is free, and before it takes it.
        if (taken > 0) {
          const { freeBytes } = device.memory();
          void load(freeBytes - 512).then((session) => (other = session));
        }
        trainer.requestPhases({ id: 1, change: { begun: null, later: null, add: [added] }, datasetDirs: {} });
      },
    });
    other?.close();
    expect(losses.slice(0, 3)).toEqual(whole.losses);
    if (taken > 0) {
      expect(outcome).toMatchObject({ state: 'completed', step: 3 });
      expect(events.find((e) => e.type === 'phasesRefused')).toMatchObject({ request: 1 });
      return;
    }
    expect(outcome).toMatchObject({ state: 'completed', step: 4 });
    const { plan: larger } = new RunPrograms(parseRunConfig(config), { optimizer: 'adamw' });
    expect(held).toEqual([held[0]!, larger.totalBytes, larger.totalBytes, larger.totalBytes]);
    expect(held[0]).toBeLessThan(larger.totalBytes);
  });

  it('suffices for every phase of a run from its start', async () => {
    const config = smallRun({
      phases: [
        { kind: 'constant', steps: 1, from: 3e-3, to: 3e-3, optimizer: 'adamw8bit' },
        { kind: 'constant', steps: 1, from: 3e-3, to: 3e-3, optimizer: 'adamw' },
      ],
    });
    const held: number[] = [];
    const { outcome, events } = await train(
      {
        ...device,
        async load(...args) {
          const session = await device.load(...args);
          held.push(device.memory().arenaBytes);
          return session;
        },
      },
      tempDir(),
      config,
    );
    expect(outcome).toMatchObject({ state: 'completed', step: 2 });
    const [first, later] = (['adamw8bit', 'adamw'] as const).map((optimizer) => {
      const { plan: planned } = new RunPrograms(parseRunConfig(config), { optimizer });
      return planned.totalBytes;
    });
    expect(later).toBeGreaterThan(first!);
    expect(held).toEqual([later, later]);
    const started = events.find((e) => e.type === 'started')!;
    expect(started.memory.allocatedBytes).toBe(first);
    expect(started.memory.overheadBytes).toBeGreaterThanOrEqual(0);
  });
});
