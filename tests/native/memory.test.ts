import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { OutOfMemory } from '../../electron/engine/devices/outOfMemory.ts';
import type { CudaDevice } from '../../electron/engine/devices/cuda/device.ts';
import { parseRunConfig } from '../../electron/engine/run/config.ts';
import type { Session } from '../../electron/engine/devices/device.ts';
import { plan, type Plan } from '../../electron/engine/program/planner.ts';
import type { Buffer, Program } from '../../electron/engine/program/types.ts';
import { RunPrograms } from '../../electron/engine/run/programs.ts';
import { tempDir } from '../temp.ts';
import { smallRun, train } from '../engine/run/harness.ts';
import { createPlayedGpu, emulatedAddonPath, hasEmulator, loadPlayingAddon } from './gpu.ts';
import { lack, where } from '../frame/needs.ts';

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

const emulated = { addon: emulatedAddonPath, order: 'forward', library: null } as const;

where(describe, [hasEmulator, lack.emulator])("a GPU's memory", () => {
  let device: CudaDevice;
  beforeEach(() => {
    device = createPlayedGpu({ ...emulated, memoryBytes: 8 * mib });
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

  describe('for what comes with programs', () => {
    const addon = loadPlayingAddon();
    const { program, plan: placed } = filling(mib);
    const opened = (moduleReserveBytes: number) =>
      createPlayedGpu({ ...emulated, memoryBytes: 8 * mib, moduleReserveBytes });
    /** How much was set aside, one after the other, meanwhile. */
    const watched = () => {
      const setModuleReserve = vi.spyOn(addon, 'setModuleReserve');
      onTestFinished(() => setModuleReserve.mockRestore());
      return () => setModuleReserve.mock.calls.map(([, bytes]) => bytes);
    };
    /** A GPU on which programs bring so much with them, and others take what is said. */
    const shared = (bytes: number) => {
      const taken = { byOthers: 0, byPrograms: 0 };
      const [load, look] = [addon.loadProgram.bind(addon), addon.memory.bind(addon)];
      const spies = [
        vi.spyOn(addon, 'loadProgram').mockImplementation((...program) => {
          taken.byPrograms += bytes;
          return load(...program);
        }),
        vi.spyOn(addon, 'memory').mockImplementation((gpu) => {
          const now = look(gpu);
          return { ...now, freeBytes: now.freeBytes - taken.byOthers - taken.byPrograms };
        }),
      ];
      onTestFinished(() => spies.forEach((spy) => spy.mockRestore()));
      return taken;
    };

    it('is set aside once a run begins, and half of it let go of while they are loaded', async () => {
      const own = opened(4 * mib);
      (await own.load([program], placed)).close();
      expect(own.memory()).toMatchObject({ moduleReserveBytes: 0, lackingBytes: 4 * mib });
      own.reserve([placed]);
      expect(own.memory()).toMatchObject({ moduleReserveBytes: 4 * mib, lackingBytes: 0, arenaBytes: mib + 256 });
      expect(own.overheadBytes()).toBe(0);
      const calls = watched();
      const session = await own.load([program], placed);
      expect(calls()).toEqual([2 * mib, 4 * mib]);
      session.close();
      expect(own.memory()).toMatchObject({ moduleReserveBytes: 4 * mib, lackingBytes: 0 });
    });

    it('is less by what has come with them, whatever others have taken', async () => {
      const taken = shared(mib);
      const own = opened(4 * mib);
      own.reserve([placed]);
      taken.byOthers = 2 * mib;
      const session = await own.load([program], placed);
      const held = { moduleReserveBytes: 3 * mib, moduleBytes: mib, lackingBytes: 0 };
      expect(own.memory()).toMatchObject(held);
      expect(own.overheadBytes()).toBe(mib);
      taken.byOthers = 0;
      expect(own.memory()).toMatchObject(held);
      session.close();
      const again = await own.load([program], placed);
      expect(own.memory()).toMatchObject({ moduleReserveBytes: 2 * mib, moduleBytes: 2 * mib });
      again.close();
    });

    it('goes with them', async () => {
      const taken = shared(mib);
      const close = addon.closeSession.bind(addon);
      const spy = vi.spyOn(addon, 'closeSession').mockImplementation((session) => {
        close(session);
        taken.byPrograms = 0;
      });
      onTestFinished(() => spy.mockRestore());
      const own = opened(4 * mib);
      own.reserve([placed]);
      (await own.load([program], placed)).close();
      expect(own.memory()).toMatchObject({ moduleBytes: 0, lackingBytes: mib });
      (await own.load([program], placed)).close();
      expect(own.overheadBytes()).toBe(0);
    });

    it('is let go of altogether where half does not suffice, and comes back', async () => {
      let fails = true;
      const loadProgram = addon.loadProgram.bind(addon);
      const load = vi.spyOn(addon, 'loadProgram').mockImplementation((session, code) => {
        if (!fails) return loadProgram(session, code);
        fails = false;
        throw new OutOfMemory("A program can't be prepared: out of memory");
      });
      onTestFinished(() => load.mockRestore());
      const own = opened(4 * mib);
      own.reserve([placed]);
      const calls = watched();
      (await own.load([program], placed)).close();
      expect(calls()).toEqual([2 * mib, 0, 4 * mib]);
      fails = true;
      // Nothing was set aside for a device that nobody trains on.
      await expect(opened(4 * mib).load([program], placed)).rejects.toThrow('out of memory');
    });

    it('is refused at the start where it is not there; one that trains goes on without', async () => {
      const own = opened(6 * mib);
      expect(() => own.reserve([filling(2 * mib).plan])).toThrow(/out of memory: 6\.00 MiB for kernels/);
      const trains = opened(4 * mib);
      trains.reserve([placed]);
      const lost = vi.spyOn(addon, 'setModuleReserve').mockReturnValue(false);
      trains.reserve([filling(2 * mib).plan]);
      lost.mockRestore();
      expect(trains.memory().arenaBytes).toBe(2 * mib + 256);
    });
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
      onStep(requests, step) {
        held.push(device.memory().arenaBytes);
        if (step !== 1) return;
        // After the run has looked at what is free, and before it takes it.
        if (taken > 0) {
          const { freeBytes } = device.memory();
          void load(freeBytes - 512).then((session) => (other = session));
        }
        requests.changePhases({ id: 1, change: { started: null, later: null, add: [added] }, datasetDirs: {} });
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
