import { deviceKind } from '../kind.ts';
import { machineAdvice } from '../cpu/kind.ts';
import { processorMemory } from '../cpu/memory.ts';
import { describedAs } from '../described.ts';
import { requireTfjs, tfjsIsThere } from './backend.ts';
import { createTfjsDevice, tfjsSupports } from './device.ts';

/** TensorFlow.js, where a package of it is installed. */
export const tfjs = deviceKind({
  kind: 'tfjs',
  noun: 'TensorFlow.js',
  label: 'TensorFlow.js',
  shortLabel: 'TensorFlow.js',
  settings: {},
  flags: [],
  isThere: tfjsIsThere,
  require: requireTfjs,
  find: async () => [await describedAs('tfjs', async () => (await createTfjsDevice()).description)],
  offered: () => (tfjsIsThere() ? [{}] : []),
  supports: tfjsSupports,
  memory: () => processorMemory(),
  open: async () => ({
    device: await createTfjsDevice(),
    memory: processorMemory(),
    advice: machineAdvice,
    peakFlops: () => Number.NaN,
  }),
});
