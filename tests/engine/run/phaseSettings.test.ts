import fs from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { files, openCheckpoint } from '../../../electron/engine/checkpoint/index.ts';
import { sealState, unsealState } from '../../../electron/engine/checkpoint/state.ts';
import type { Phase } from '../../../electron/engine/run/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { faulty } from './faulty.ts';
import { smallRun, train, type Trained } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const phase = (changes: Partial<Phase> = {}): Phase => ({
  kind: 'constant',
  steps: 6,
  from: 3e-3,
  to: 3e-3,
  ...changes,
});
const stepsOf = ({ events }: Trained, type: 'evaluation' | 'checkpoint') =>
  events.flatMap((e) => (e.type === type ? [e.step] : []));
const first = { subset: { from: 0, to: 50 } };
const second = { subset: { from: 50, to: 80 } };

where(describe, [hasCpu, lack.cpu])('a phase with settings of its own', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it('evaluates and saves as often as it says, the others as the run says', async () => {
    const run = await train(
      device,
      tempDir(),
      smallRun({
        phases: [
          phase(),
          phase({ evaluateEvery: 2, checkpointEvery: 3 }),
          phase({ evaluateEvery: 0, checkpointEvery: 5 }),
        ],
        evaluation: { every: 4, sequences: 2 },
        checkpoints: { every: 6, keepLast: 99 },
      }),
    );
    expect(stepsOf(run, 'evaluation')).toEqual([0, 4, 8, 10, 12, 18]);
    // And where the validation loss was the best so far.
    const scheduled = new Set(stepsOf(run, 'checkpoint'));
    for (const step of [6, 9, 12, 15, 18]) expect(scheduled.has(step), `step ${step}`).toBe(true);
    for (const step of [3, 5, 13, 14, 16]) expect(scheduled.has(step), `step ${step}`).toBe(false);
  });

  it('trains on a mix by its weights, and goes on with it to the same bit', async () => {
    const part = (subset: { from: number; to: number }, weight: number) => ({ dataset: 'made up', subset, weight });
    const mix = [part(first.subset, 3), part(second.subset, 1)];
    const config = smallRun({ phases: [phase(first), phase({ mix, steps: 8 }), phase(second)] });
    const root = tempDir();
    const whole = await train(device, root, config);
    const { sequences } = (await whole.checkpoint(20)).state.trainer as { sequences: Record<string, number> };
    expect(sequences['made up 0-50%']! + sequences['made up 50-80%']!).toBe(20 * 4);
    // Three quarters of the sequences of eight steps, and those of the phases beside it.
    expect(Math.abs(sequences['made up 0-50%']! - (6 * 4 + 24))).toBeLessThan(4);

    const other = tempDir();
    const started = await train(device, other, config, { stopAfter: 9 });
    const resumed = await train(device, other, config, { from: await started.checkpoint(9) });
    expect([...started.losses, ...resumed.losses]).toEqual(whole.losses);
  });

  it('waits for data that is being prepared, and can be stopped meanwhile', async () => {
    const config = smallRun({ phases: [phase(), phase({ dataset: 'later', wait: true })] });
    let looks = 0;
    const waited = await train(device, tempDir(), config, { isThere: () => looks++ > 2 });
    const activities = waited.events.flatMap((e) => (e.type === 'activity' ? [[e.activity, e.step]] : []));
    expect(activities.filter(([, step]) => step === 6)).toContainEqual(['waiting', 6]);
    expect(activities.at(activities.findIndex(([a]) => a === 'waiting') + 1)).toEqual(['training', 6]);
    const there = await train(device, tempDir(), config);
    expect(waited.losses).toEqual(there.losses);

    const root = tempDir();
    const stopped = await train(device, root, config, {
      isThere: () => false,
      onEvent: (requests, e) => e.type === 'activity' && e.activity === 'waiting' && requests.stop(),
    });
    expect(stopped.outcome).toMatchObject({ state: 'paused', step: 6 });
    const resumed = await train(device, root, config, { from: await stopped.checkpoint(6) });
    expect([...stopped.losses, ...resumed.losses]).toEqual(there.losses);
  });

  it('trains on its own subset, and where it comes back to one it goes on where it was', async () => {
    const config = smallRun({ phases: [phase(first), phase(second), phase(first)] });
    const run = await train(device, tempDir(), config);
    const state = (await run.checkpoint(18)).state.trainer as { sequences: Record<string, number> };
    expect(state.sequences).toEqual({ 'made up 0-50%': 12 * 4, 'made up 50-80%': 6 * 4 });
    const alone = await train(device, tempDir(), smallRun({ phases: [phase({ ...first, steps: 12 })] }));
    expect(run.losses.slice(0, 6)).toEqual(alone.losses.slice(0, 6));
    expect(run.losses[6]).not.toBe(alone.losses[6]);
  });

  it('has micro-batches of its own: the same steps but for rounding, with memory as planned', async () => {
    const config = smallRun({ phases: [phase(), phase({ batch: 1 }), phase({ batch: 4 })] });
    const [run, same] = [
      await train(device, tempDir(), { ...config, model: { ...config.model, dropout: 0 } }),
      await train(device, tempDir(), {
        ...config,
        model: { ...config.model, dropout: 0 },
        phases: [phase({ steps: 18 })],
      }),
    ];
    expect(run.losses.slice(0, 6)).toEqual(same.losses.slice(0, 6));
    for (const [i, loss] of run.losses.entries()) expect(Math.abs(loss / same.losses[i]! - 1)).toBeLessThan(1e-4);
    const changes = run.events.filter((e) => e.type === 'batch');
    expect(changes).toMatchObject([
      { step: 6, from: 2, to: 1 },
      { step: 12, from: 1, to: 4 },
    ]);
    for (const { memory } of changes) expect(memory.allocatedBytes).toBe(memory.plannedBytes);
    expect(changes[0]!.memory.plannedBytes).toBeLessThan(changes[1]!.memory.plannedBytes);
    expect(run.events.filter((e) => e.type === 'optimizer')).toEqual([]);
  });

  it('is resumed to the same bit, wherever it was stopped', async () => {
    const config = smallRun({
      phases: [phase(first), phase({ ...second, batch: 1, optimizer: 'adamw8bit' }), phase({ ...first, batch: 4 })],
    });
    const whole = await train(device, tempDir(), config);
    for (const stopAfter of [5, 6, 8, 12, 15]) {
      const root = tempDir();
      const started = await train(device, root, config, { stopAfter });
      const rest = await train(device, root, config, { from: await started.checkpoint(stopAfter) });
      expect([...started.losses, ...rest.losses], `stopped after ${stopAfter}`).toEqual(whole.losses);
    }
  });

  it('and a checkpoint made before there were sources is resumed to the same bit', async () => {
    const config = smallRun({ phases: [phase({ steps: 8 }), phase({ steps: 3, subset: { from: 0, to: 100 } })] });
    const whole = await train(device, tempDir(), config);
    const root = tempDir();
    const started = await train(device, root, config, { stopAfter: 5 });
    const { dir } = await started.checkpoint(5);
    const file = path.join(dir, files.state);
    const content = unsealState(file, fs.readFileSync(file, 'utf8'));
    const { sequences, entered, ...trainer } = content.state.trainer as Record<string, unknown>;
    expect([sequences, entered]).toEqual([{ 'made up 0-100%': 5 * 4 }, 0]);
    fs.writeFileSync(
      file,
      sealState({ ...content, state: { ...content.state, trainer: { ...trainer, sequence: 5 * 4 } } }),
    );
    const rest = await train(device, root, config, { from: await openCheckpoint(dir) });
    expect([...started.losses, ...rest.losses]).toEqual(whole.losses);
  });

  it('counts skips in front of its first step, whether or not the run was paused there', async () => {
    const guards = { spike: 12, spikeSteps: 2, window: 20, maxSkips: 2, maxRecoveries: 2 };
    const config = smallRun({ phases: [phase(), phase()], checkpoints: { every: 4, keepLast: 9 }, guards });
    // Both attempts at the seventh step: the second is one too many.
    const bad = faulty(device, (update) => (update === 7 || update === 8 ? 'nan' : undefined));
    const whole = await train(bad, tempDir(), config);
    expect(whole.events.filter((e) => e.type === 'recovery')).toMatchObject([{ step: 7, to: 4 }]);
    const root = tempDir();
    const started = await train(
      faulty(device, (update) => (update === 7 ? 'nan' : undefined)),
      root,
      config,
      {
        onEvent: (requests, { type }) => type === 'skip' && requests.stop(),
      },
    );
    expect(started.outcome).toMatchObject({ state: 'paused', step: 6 });
    const rest = await train(
      faulty(device, (update) => (update === 1 ? 'nan' : undefined)),
      root,
      config,
      {
        from: await started.checkpoint(6),
      },
    );
    expect(rest.events.filter((e) => e.type === 'recovery')).toMatchObject([{ step: 7, to: 4 }]);
    expect([...started.losses, ...rest.losses]).toEqual(whole.losses);
  });

  it('goes back past the bad data of its own source', async () => {
    const guards = { spike: 12, spikeSteps: 2, window: 20, maxSkips: 2, maxRecoveries: 2 };
    const config = smallRun({ phases: [phase(first), phase(second)], checkpoints: { every: 3, keepLast: 9 }, guards });
    // The updates 8 and 9 are the second and third of the second phase: back to step 6.
    const bad = faulty(device, (update) => (update === 8 || update === 9 ? 'nan' : undefined));
    const run = await train(bad, tempDir(), config);
    expect(run.outcome.state).toBe('completed');
    expect(run.events.filter((e) => e.type === 'recovery')).toMatchObject([{ to: 6 }]);
    const state = (await run.checkpoint(12)).state.trainer as { sequences: Record<string, number> };
    expect(state.sequences).toEqual({ 'made up 0-50%': 6 * 4, 'made up 50-80%': (6 + 3) * 4 });
  });
});
