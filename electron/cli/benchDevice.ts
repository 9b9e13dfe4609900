import { type Command, Option } from 'commander';
import { type DeviceChoice, numbered, requireDevice } from '../engine/devices/choose.ts';
import { type DeviceConfig, fallback, gpuKind, kinds } from '../engine/devices/registry.ts';
import { UsageError } from '../base/errors.ts';
import { flagsGiven, type NamedFlag, namedFlags } from './device.ts';
import { parseInteger } from './numbers.ts';

/** What flags of a bench say of the device that is measured; the kinds' own flags stand beside. */
export interface BenchDeviceFlags {
  readonly device: DeviceConfig['kind'];
  readonly tf32?: boolean;
  readonly pytorch?: string;
}

/** The device that is measured, as a run's config has it. */
export type BenchedDevice = DeviceChoice & DeviceConfig;

/** What benches can measure. */
const measured = kinds.filter((d) => d.openProcessor ?? d.gpus);

/** The flag of a setting, its help beginning with whose it is. */
export function kindFlag({ flags, kind, briefHelp }: NamedFlag): [flags: string, help: string] {
  return [flags, `of ${kind}: ${briefHelp}`];
}

/** Adds those that all benches have which measure a device: the processor unless they name another. */
export function addBenchDevice(command: Command): Command {
  const kind = new Option('--device <kind>', 'what is measured').choices(measured.map((d) => d.kind));
  command.addOption(kind.default(fallback.kind));
  for (const flag of namedFlags) if (flag.type === 'int') command.option(...kindFlag(flag));
  return command;
}

/** Adds those that change what is computed: float32 products by tensor cores. */
export function addRoundingFlags(command: Command): Command {
  for (const flag of namedFlags) if (flag.type === 'flag') command.option(...kindFlag(flag));
  return command;
}

/**
 * The device that flags choose.
 * @throws UsageError when a flag of one device is given for the other, UserError when the device can't be used
 */
export function benchDevice(flags: BenchDeviceFlags): BenchedDevice {
  const { device: kind } = flags;
  const given = flagsGiven(flags);
  const wrong = given.find((flag) => flag.kind !== kind);
  if (wrong) {
    // Naming no device is asking for the usual one: it is the device that is missing then.
    const remedy = wrong.kind === gpuKind.kind ? 'give that too' : 'leave out one of them';
    throw new UsageError(`${wrong.name} belongs to --device ${wrong.kind}: ${remedy}.`);
  }
  const settings = given
    .filter((flag) => flag.type === 'int')
    .map(({ setting, name, attribute, min }) => {
      return [setting, parseInteger(name, (flags as unknown as Record<string, string>)[attribute]!, min)];
    });
  const device: BenchedDevice = { kind, ...Object.fromEntries(settings) };
  requireDevice(device);
  return { ...device, ...numbered(device) };
}
