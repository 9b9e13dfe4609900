import { z } from 'zod';
import { cpu } from './cpu/kind.ts';
import { cuda } from './cuda/kind.ts';
import type { DeviceFlag, DeviceKind } from './kind.ts';
import { tfjs } from './tfjs/kind.ts';

/** Every kind of device that can train. The first is taken where no better one is there. */
const registered = [cpu, cuda, tfjs] as const;

export type RunDevice = (typeof registered)[number]['kind'];

export const kinds: readonly DeviceKind<RunDevice>[] = registered as unknown as readonly DeviceKind<RunDevice>[];

/** Their names, as configs and flags have them. */
export const runDevices = registered.map((d) => d.kind) as [RunDevice, ...RunDevice[]];

/** What can always train. */
export const fallback: DeviceKind<RunDevice> = kinds[0]!;

/** As lists show them: GPUs first. */
export const gpusFirst: readonly DeviceKind<RunDevice>[] = [
  ...kinds.filter((d) => d.gpus),
  ...kinds.filter((d) => !d.gpus),
];

export const kindOf = (kind: RunDevice): DeviceKind<RunDevice> => kinds.find((d) => d.kind === kind)!;

/** The kind whose GPUs a number alone means. */
export const gpuKind = kinds.find((d) => d.gpus) as DeviceKind<RunDevice> & Required<Pick<DeviceKind, 'gpus'>>;

/** The kind that others are compared with. */
export const processorKind = kinds.find((d) => d.openProcessor) as DeviceKind<RunDevice> &
  Required<Pick<DeviceKind, 'openProcessor'>>;

/** A flag of a kind of device, and whose it is. */
export interface OwnedFlag extends DeviceFlag {
  readonly kind: RunDevice;
}

/** The flags of all kinds. */
export const deviceFlags: readonly OwnedFlag[] = gpusFirst.flatMap(({ kind, flags }) =>
  flags.map((flag) => ({ ...flag, kind })),
);

type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Whole) => void
  ? Whole
  : never;
const settings = Object.assign({}, ...registered.map((d) => d.settings)) as All<
  (typeof registered)[number]['settings']
>;

/** `device` of a run's config: the kind, and the settings of all kinds. */
export const deviceSchema = z.strictObject({ kind: z.enum(runDevices).default(fallback.kind), ...settings });

export type DeviceConfig = z.infer<typeof deviceSchema>;
