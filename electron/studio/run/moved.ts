import { type DeviceChoice, isSameDevice } from '../../engine/devices/choose.ts';
import { kindOf } from '../../engine/devices/registry.ts';
import type { Run, Store } from '../store/index.ts';

const otherLastBits = 'results are not bit-exact from here on';

/**
 * What is told where a run goes on with another device than before: another one by its config, or a GPU of another model
 * in the same place.
 * @param to a device that is here
 */
export function movedNotice(store: Store, run: Run, from: DeviceChoice, to: DeviceChoice): string | null {
  const { kind, gpu = 0 } = to;
  const { noun, gpus } = kindOf(kind);
  if (from.kind !== kind) return `resumes on ${noun}: ${otherLastBits}`;
  if (!gpus) return null;
  const last = store.events.list(run.id).findLast((e) => e.kind === 'started')?.message;
  const [, before] = new RegExp(`^training on ${kind}: (.+) from step \\d+$`).exec(last ?? '') ?? [];
  const { name: now } = gpus.look(gpu);
  if (before !== undefined && before !== now) return `resumes on ${now} instead of ${before}: ${otherLastBits}`;
  return isSameDevice(from, to) ? null : `resumes on GPU ${gpu}`;
}
