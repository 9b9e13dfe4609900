import type { DeviceChoice, TrainingDevice } from '../../electron/api/types.ts';
import { text } from '../text.ts';
import { api } from './api.ts';
import { formatBytes } from './format.ts';
import { Load } from './load.svelte.ts';

/** What can train on the studio's machine, the usual first. */
export const devices = new Load(() => api.studio.trainingDevices());

/** Of each of its GPUs that can't, why. */
export const unusable = new Load(() => api.studio.unusableGpus());

/** A device as a select holds it: `cpu`, `cuda:1`. */
export const deviceId = ({ kind, gpu = 0 }: DeviceChoice): string => (kind === 'cuda' ? `cuda:${gpu}` : kind);

/** @param id as `deviceId` gives it */
export function deviceOf(id: string): DeviceChoice {
  const [kind, gpu] = id.split(':') as [DeviceChoice['kind'], string?];
  return { kind, ...(gpu === undefined ? {} : { gpu: Number(gpu) }) };
}

/** For people: a GPU by its name and memory, and by its number where there are several. */
export function deviceName(device: TrainingDevice, all: readonly TrainingDevice[]): string {
  if (device.kind !== 'cuda') return text.runOn.devices[device.kind];
  const several = all.filter((d) => d.kind === 'cuda').length > 1;
  return text.runOn.gpu(several ? device.gpu : undefined, device.name, formatBytes(device.memoryBytes));
}

/** What the studio is told of a device that somebody chooses, or leaves open. */
export const onDevice = (id: string): { device?: DeviceChoice } => (id === '' ? {} : { device: deviceOf(id) });

/** What the studio is told where a run is to go on elsewhere. */
export const moved = ({ device }: { device: DeviceChoice }, id: string): { device?: DeviceChoice } =>
  onDevice(id === deviceId(device) ? '' : id);
