import type { DeviceChoice, TrainingDevice } from '../../electron/api/types.ts';
import { api } from './api.ts';
import { formatBytes } from '../format.ts';
import { Load } from './load.svelte.ts';

/** What can train on the studio's machine, the usual first. */
export const devices = new Load(() => api.studio.trainingDevices());

/** Of each of its GPUs that can't, why. */
export const unusable = new Load(() => api.studio.unusableGpus());

/** The kinds of devices that the studio knows, whether its machine has one or not. */
export const kinds = new Load(() => api.studio.deviceKinds());

const kindOf = (kind: string) => kinds.value?.find((k) => k.kind === kind);

/** Whether a device is a GPU; only GPUs are told apart by a number. */
export const isGpu = ({ gpu }: DeviceChoice): boolean => gpu !== undefined;

/** Whether devices of a kind are GPUs. */
export const isGpuKind = (kind: string): boolean => kindOf(kind)?.isGpu ?? false;

/** Whether devices of a kind have a setting. */
export const hasSetting = (kind: string, setting: string): boolean => kindOf(kind)?.settings.includes(setting) ?? false;

/** For people, in few letters: `GPU 0`. */
export const shortName = ({ kind, gpu }: DeviceChoice): string => {
  const label = kindOf(kind)?.shortLabel ?? kind;
  return gpu === undefined ? label : `${label} ${gpu}`;
};

/** A device as a select holds it: its kind, and the number of a GPU behind a colon. */
export const deviceId = ({ kind, gpu }: DeviceChoice): string => (gpu === undefined ? kind : `${kind}:${gpu}`);

/** @param id as `deviceId` gives it */
export function deviceOf(id: string): DeviceChoice {
  const [kind, gpu] = id.split(':') as [DeviceChoice['kind'], string?];
  return { kind, ...(gpu === undefined ? {} : { gpu: Number(gpu) }) };
}

/** For people: a GPU by its name and memory, and by its number where there are several. */
export function deviceName(device: TrainingDevice, all: readonly TrainingDevice[]): string {
  if (!isGpu(device)) return kindOf(device.kind)?.label ?? device.kind;
  const several = all.filter(isGpu).length > 1;
  return `${several ? `GPU ${device.gpu}: ` : ''}${device.name}, ${formatBytes(device.memoryBytes)}`;
}

/** What the studio is told of a device that somebody chooses, or leaves open. */
export const onDevice = (id: string): { device?: DeviceChoice } => (id === '' ? {} : { device: deviceOf(id) });

/** What the studio is told where a run is to go on elsewhere. */
export const moved = ({ device }: { device: DeviceChoice }, id: string): { device?: DeviceChoice } =>
  onDevice(id === deviceId(device) ? '' : id);
