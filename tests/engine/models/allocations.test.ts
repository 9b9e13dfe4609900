// In a file of its own: memory of other tests' devices, freed when garbage is collected, would be counted.
import { expect, test } from 'vitest';
import { loadAddon } from '../../../electron/engine/devices/cpu/addon.ts';
import { cpu, hasCpu } from '../devices.ts';
import { gradients, randomBatch, smallConfig, trainingSession } from './small.ts';
import { lack, where } from '../../frame/needs.ts';

where(test, [hasCpu, lack.cpu])('50 training steps allocate nothing, and closing gives all back', async () => {
  const { memory } = loadAddon();
  const device = await cpu(2).open();
  const without = memory().liveBytes;
  const trained = await trainingSession(device, smallConfig, 2, 'attention');
  const before = memory();
  expect(before.liveBytes - without).toBe(trained.session.allocatedBytes());
  for (let step = 0; step < 50; step++) {
    await gradients(trained, [randomBatch(smallConfig, 2, step), randomBatch(smallConfig, 2, 99 + step)]);
    await trained.session.run(trained.training.update);
  }
  expect(memory()).toEqual(before);
  trained.session.close();
  expect(memory()).toEqual({ allocations: before.allocations, liveBytes: without });
});
