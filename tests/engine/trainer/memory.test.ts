import { expect, it } from 'vitest';
import { requireMemory, RunPrograms } from '../../../electron/engine/trainer/programs.ts';
import { smallRun } from './harness.ts';

it('a plan over the memory of the device is refused with how much is missing', () => {
  const { plan } = new RunPrograms(smallRun());
  const bytes = plan.totalBytes + plan.hostBytes;
  expect(() => requireMemory(plan, bytes)).not.toThrow();
  expect(() => requireMemory(plan, bytes - 2 ** 20)).toThrow(/1\.00 MiB too much.*trainyard fit/);
});
