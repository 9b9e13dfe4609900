import os from 'node:os';
import type { DeviceFigures } from './device.ts';
import type { FoundDevice, OpenedDevice, Opening } from './kind.ts';
import {
  type DeviceConfig,
  deviceFlags,
  fallback,
  gpuKind,
  gpusFirst,
  kindOf,
  kinds,
  type RunDevice,
} from './registry.ts';

/** What trains: a kind of device, and of GPUs which one, as their driver counts them. */
export interface DeviceChoice {
  readonly kind: RunDevice;
  /** Absent: the first. */
  readonly gpu?: number | undefined;
}

/** What a run trains on where nobody says: of the GPUs that can be used the one with most memory free, else the processor. */
export function defaultDevice(): DeviceChoice {
  for (const { kind, preferred } of kinds) {
    const which = preferred?.();
    if (which) return { kind, ...which };
  }
  return { kind: fallback.kind };
}

/** Which of the devices of its kind is meant; undefined of a kind that has but one. */
const numberOf = ({ kind, gpu }: DeviceChoice): number | undefined => (kindOf(kind).gpus ? (gpu ?? 0) : undefined);

/** A choice with the number of the device, where its kind has several. */
export function numbered(choice: DeviceChoice): DeviceChoice {
  const gpu = numberOf(choice);
  return { kind: choice.kind, ...(gpu === undefined ? {} : { gpu }) };
}

export const isSameDevice = (a: DeviceChoice, b: DeviceChoice): boolean =>
  a.kind === b.kind && numberOf(a) === numberOf(b);

/** A GPU by its number. */
export const gpuDevice = (gpu: number): DeviceChoice & { readonly gpu: number } => ({ kind: gpuKind.kind, gpu });

/**
 * Completes what somebody says of a device: a setting may mean a kind, as naming a GPU does, and who names nothing takes the
 * usual one.
 * @param given settings of `device` in a config that leaves things out
 */
export function completeDevice(given: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  if (given.kind !== undefined) return { ...given };
  const meant = deviceFlags.find((flag) => flag.meansKind && given[flag.setting] !== undefined);
  return { ...(meant ? { kind: meant.kind } : defaultDevice()), ...given };
}

/** Of each device that is in the machine and can't be used, why. */
export async function unusableDevices(): Promise<string[]> {
  const all = await Promise.all(kinds.map((d) => d.unusable?.() ?? []));
  return all.flat();
}

/** @throws UserError when a device is asked for that is not there or can't be used */
export function requireDevice(choice: DeviceChoice): void {
  kindOf(choice.kind).require(choice);
}

/** A run's device where it goes on elsewhere: what is set for one kind is kept for when it comes back. */
export function onDevice(own: DeviceConfig, choice: DeviceChoice): DeviceConfig {
  const { gpu: _, ...rest } = own;
  const { kind, gpu } = choice;
  return { ...rest, kind, ...(kindOf(kind).gpus && gpu !== undefined ? { gpu } : {}) };
}

/**
 * What works with the weights of a run: what is asked for, else the run's own device where it can be used here, else the
 * usual one.
 * @throws UserError when what is asked for can't be used
 */
export function deviceForJob(own: DeviceConfig, asked?: DeviceChoice): DeviceConfig {
  if (asked) {
    requireDevice(asked);
    return onDevice(own, asked);
  }
  return kindOf(own.kind).isThere(own) ? own : onDevice(own, defaultDevice());
}

/**
 * Opens the device that a run's config names.
 * @throws UserError when it can't be used here
 */
export const openDevice = (
  config: DeviceConfig,
  { precision, findings, heldBy = [] }: Omit<Opening, 'heldBy'> & Partial<Opening>,
): Promise<OpenedDevice> => kindOf(config.kind).open(config, { precision, findings, heldBy });

/** What the machine tells of itself, whatever trains on it: see `DeviceKind.machineFigures`. */
export const machineFigures = (): (() => Promise<DeviceFigures>) =>
  kinds.find((d) => d.machineFigures)?.machineFigures?.() ?? (async () => ({}));

/** Looks at every device that there may be: GPUs last. @param findings see `Opening` */
export async function findDevices(findings: string | undefined): Promise<FoundDevice[]> {
  const found: FoundDevice[] = [];
  for (const { find } of kinds.toSorted((a, b) => Number(a.gpus !== undefined) - Number(b.gpus !== undefined)))
    found.push(...(await find(findings)));
  return found;
}

/** Measures what is worth measuring once on a machine, and is not kept yet. It may take seconds. @param findings see `Opening` */
export function measureDevices(findings: string): void {
  for (const { unmeasured } of kinds) unmeasured?.(findings)?.();
}

/** Whether that would take time. */
export const isMeasured = (findings: string): boolean => kinds.every((d) => !d.unmeasured?.(findings));

/** What a run may be told to train on. */
export interface TrainingDevice extends DeviceChoice {
  /** Of a GPU: its own; else the machine's processor. */
  readonly name: string;
  readonly memoryBytes: number;
}

/** What can train here, the usual first. Asks only what is known at once. */
export function trainingDevices(): TrainingDevice[] {
  const machine = { name: os.cpus()[0]?.model.trim() ?? '', memoryBytes: os.totalmem() };
  const preferred = defaultDevice();
  const found = gpusFirst.flatMap(({ kind, offered }) => offered().map((d) => ({ kind, ...machine, ...d })));
  return found.toSorted((a, b) => Number(isSameDevice(b, preferred)) - Number(isSameDevice(a, preferred)));
}

/** What the page shows of a kind. */
export interface DeviceKindView {
  readonly kind: string;
  readonly label: string;
  readonly shortLabel: string;
  readonly isGpu: boolean;
  /** Settings of its own that runs can be given: `tf32`. */
  readonly settings: readonly string[];
}

export const kindViews = (): DeviceKindView[] =>
  kinds.map(({ kind, label, shortLabel, gpus, settings }) => ({
    ...{ kind, label, shortLabel },
    isGpu: gpus !== undefined,
    settings: Object.keys(settings),
  }));
