import fs from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { latestValid } from '../../../electron/engine/checkpoint/index.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu } from '../devices.ts';
import { type Fault, faulty } from './faulty.ts';
import { smallRun, train } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const config = smallRun({
  phases: [{ kind: 'constant', steps: 40, from: 1e-3, to: 1e-3 }],
  checkpoints: { every: 10, keepLast: 9 },
  guards: { spike: 12, spikeSteps: 2, window: 20, maxSkips: 3, maxRecoveries: 2 },
});
const among =
  (kind: Fault, ...updates: number[]) =>
  (update: number) =>
    updates.includes(update) ? kind : undefined;

where(describe, [hasCpu, lack.cpu])('a run in which something goes wrong', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it('skips a step whose gradient is not finite, goes on with the next data, and says so', async () => {
    const { outcome, events, losses } = await train(faulty(device, among('nan', 7, 20, 21)), tempDir(), config);
    expect(outcome).toMatchObject({ state: 'completed', step: 40 });
    expect(losses.length).toBe(40);
    const skips = events.filter((e) => e.type === 'skip');
    expect(skips.map((e) => [e.step, e.skipped])).toEqual([[7, 1], [19, 2], [19, 3]]); // prettier-ignore
    const clean = await train(device, tempDir(), config);
    expect(losses.slice(0, 6)).toEqual(clean.losses.slice(0, 6));
    expect(losses[6]).not.toBe(clean.losses[6]); // other data
  });

  it('goes back to the last checkpoint after too many skips in a row, past the bad data', async () => {
    const { outcome, events } = await train(faulty(device, among('nan', 16, 17, 18)), tempDir(), config);
    expect(outcome.state).toBe('completed');
    const recoveries = events.filter((e) => e.type === 'recovery');
    expect(recoveries).toMatchObject([{ step: 16, to: 10, recoveries: 1, reason: expect.stringContaining('3 times') }]);
    const steps = events.flatMap((e) => (e.type === 'metrics' ? [e.step] : []));
    expect(steps).toEqual([...range(1, 15), ...range(11, 40)]);
  });

  it('goes back after a loss spike, and resumes past it to the same bit', async () => {
    const at = among('spike', 33, 34);
    const whole = await train(faulty(device, at), tempDir(), config);
    expect(whole.outcome.state).toBe('completed');
    expect(whole.events.filter((e) => e.type === 'recovery')).toMatchObject([{ step: 34, to: 30, recoveries: 1 }]);
    const root = tempDir();
    const first = await train(faulty(device, at), root, config, { stopAfter: 36 });
    const second = await train(device, root, config, { from: await first.checkpoint(36) });
    expect([...first.losses, ...second.losses]).toEqual(whole.losses);
  });

  it('begins anew with other data when there is no checkpoint yet', async () => {
    const { outcome, events } = await train(faulty(device, among('nan', 3, 4, 5)), tempDir(), config);
    expect(outcome.state).toBe('completed');
    expect(events.filter((e) => e.type === 'recovery')).toMatchObject([{ step: 3, to: 0 }]);
  });

  it('goes back to the same step wherever the user paused in between', async () => {
    const at = among('nan', 26, 27, 28);
    const whole = await train(faulty(device, at), tempDir(), config);
    const root = tempDir();
    const first = await train(device, root, config, { stopAfter: 24 });
    const rest = faulty(device, among('nan', 2, 3, 4));
    const second = await train(rest, root, config, { from: await first.checkpoint(24) });
    expect(second.events.filter((e) => e.type === 'recovery')).toMatchObject([{ step: 26, to: 20 }]);
    expect([...first.losses, ...second.losses]).toEqual(whole.losses);
  });

  it('goes further back when going back once did not help', async () => {
    const bad = among('nan', 25, 26, 27, 28, 29, 30);
    const { outcome, events } = await train(faulty(device, bad), tempDir(), config);
    expect(outcome.state).toBe('completed');
    expect(events.filter((e) => e.type === 'recovery')).toMatchObject([
      { step: 25, to: 20, recoveries: 1 },
      { step: 21, to: 10, recoveries: 2 },
    ]);
  });

  it('forgets a recovery when it got past it', async () => {
    const long = { ...config, guards: { ...config.guards, window: 5, maxRecoveries: 1 } };
    const bad = among('nan', 12, 13, 14, 32, 33, 34);
    const { outcome, events } = await train(faulty(device, bad), tempDir(), long);
    expect(outcome.state).toBe('completed');
    expect(events.filter((e) => e.type === 'recovery')).toMatchObject([{ to: 10, recoveries: 1 }, { recoveries: 1 }]);
  });

  it('fails with the reason when recovering does not help, and leaves the last good checkpoint to resume from', async () => {
    const root = tempDir();
    const { outcome } = await train(
      faulty(device, (n) => (n > 24 ? 'nan' : undefined)),
      root,
      config,
    );
    expect(outcome.state).toBe('failed');
    expect(outcome.message).toMatch(/not finite 3 times in a row.*latest checkpoint is at step 20/);
    const { checkpoint, refused } = await latestValid(root);
    expect(checkpoint!.step).toBe(20);
    expect(refused).toEqual([]);
    expect(fs.readdirSync(root).filter((name) => !name.startsWith('step-'))).toEqual([]);
  });
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
