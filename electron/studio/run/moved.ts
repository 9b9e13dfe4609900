import { lookAtGpu } from '../../engine/devices/cuda/device.ts';
import { type DeviceChoice, isSameDevice } from '../../engine/devices/usual.ts';
import type { Run, Store } from '../store/index.ts';

const otherLastBits = 'from here on its numbers differ in the last bits';

const nameOf = ({ kind }: DeviceChoice): string =>
  kind === 'cuda' ? 'a GPU' : kind === 'cpu' ? 'the processor' : 'TensorFlow.js';

/**
 * What is told where a run goes on with another device than before: another one by its config, or a GPU of another model
 * in the same place.
 * @param to a device that is here
 */
export function movedNotice(store: Store, run: Run, from: DeviceChoice, to: DeviceChoice): string | null {
  if (from.kind !== to.kind) return `goes on with ${nameOf(to)}: ${otherLastBits}`;
  if (to.kind !== 'cuda') return null;
  const { gpu = 0 } = to;
  const last = store.listEvents(run.id).findLast((e) => e.kind === 'started')?.message;
  const [, before] = /^training on cuda: (.+) from step \d+$/.exec(last ?? '') ?? [];
  const { name: now } = lookAtGpu(gpu);
  if (before !== undefined && before !== now) return `goes on with ${now} in the place of ${before}: ${otherLastBits}`;
  return isSameDevice(from, to) ? null : `goes on with GPU ${gpu}`;
}
