import { beforeAll, describe, expect, it } from 'vitest';
import type { Phase } from '../../../electron/engine/run/config.ts';
import type { Device } from '../../../electron/engine/devices/device.ts';
import { type OptimizerKind, optimizerKinds } from '../../../electron/engine/optimizers/index.ts';
import { tempDir } from '../../temp.ts';
import { cpu, hasCpu, tfjs } from '../devices.ts';
import { smallRun, train } from './harness.ts';
import { lack, where } from '../../frame/needs.ts';

const phase = (steps: number, optimizer: OptimizerKind): Phase => ({
  kind: 'constant',
  steps,
  from: 3e-3,
  to: 3e-3,
  optimizer,
});
const pairs = optimizerKinds.flatMap((from) => optimizerKinds.map((to) => ({ from, to })));

where(describe, [hasCpu, lack.cpu])('switching the optimizer in mid-run', () => {
  let device: Device;
  beforeAll(async () => {
    device = await cpu(2).open();
  });

  it.each(pairs)('from $from to $to goes on with the loss as it was', async ({ from, to }) => {
    const switched = await train(device, tempDir(), smallRun({ phases: [phase(10, from), phase(10, to)] }));
    const stayed = await train(device, tempDir(), smallRun({ phases: [phase(20, from)] }));
    expect(switched.outcome.state).toBe('completed');
    // Rounding the states shows only where they are used: from the switch's second step on.
    expect(switched.losses.slice(0, 11)).toEqual(stayed.losses.slice(0, 11));
    for (let i = 11; i < 20; i++) expect(Math.abs(switched.losses[i]! / stayed.losses[i]! - 1)).toBeLessThan(0.03);
    const events = switched.events.filter((e) => e.type === 'optimizer');
    expect(events.map(({ step, from, to }) => ({ step, from, to }))).toEqual(
      from === to ? [] : [{ step: 10, from, to }],
    );
    for (const { memory } of events) expect(memory.allocatedBytes).toBe(memory.plannedBytes);
  });

  it('changes nothing between 8-bit states on the device and in host memory', async () => {
    const there = await train(
      device,
      tempDir(),
      smallRun({ phases: [phase(5, 'adamw8bit'), phase(5, 'pagedAdamw8bit')] }),
    );
    const stayed = await train(device, tempDir(), smallRun({ phases: [phase(10, 'adamw8bit')] }));
    expect(there.losses).toEqual(stayed.losses);
  });

  it.each(optimizerKinds)('resumes with %s, and at a switch to it, to the same bit', async (kind) => {
    const config = smallRun({ phases: [phase(4, 'adamw'), phase(6, kind)] });
    const whole = await train(device, tempDir(), config);
    for (const stopAfter of [4, 7]) {
      const root = tempDir();
      const first = await train(device, root, config, { stopAfter });
      expect(first.outcome).toMatchObject({ state: 'paused', step: stopAfter });
      const second = await train(device, root, config, { from: await first.checkpoint(stopAfter) });
      expect([...first.losses, ...second.losses]).toEqual(whole.losses);
    }
  });
});

where(describe, [hasCpu, lack.cpu])('optimizers on the cpu device and on tfjs', () => {
  it.each(optimizerKinds)('%s gives the same losses on both', async (kind) => {
    const config = smallRun({ phases: [phase(6, kind)] });
    const [a, b] = [
      await train(await cpu(1).open(), tempDir(), config),
      await train(await tfjs.open(), tempDir(), config),
    ];
    for (const [i, loss] of b.losses.entries())
      expect(Math.abs(a.losses[i]! / loss - 1), `step ${i + 1}`).toBeLessThan(1e-4);
  });
});
