import { type Command, Option } from 'commander';
import { defaultDevice, type DeviceChoice, isSameDevice, numbered, unusableDevices } from '../engine/devices/choose.ts';
import {
  deviceFlags,
  fallback,
  kindOf,
  type OwnedFlag,
  type RunDevice,
  runDevices,
} from '../engine/devices/registry.ts';
import { UsageError } from '../base/errors.ts';
import { parseInteger } from './numbers.ts';

/** What was given on the command line, by the names that commander makes of flags. */
type Given = Readonly<Record<string, unknown>>;

/** A flag of a kind of device. */
export interface NamedFlag extends OwnedFlag {
  /** As it is typed: `--gpu-index`. */
  readonly name: string;
  /** As commander calls what is given: `gpuIndex`. */
  readonly attribute: string;
}

/** The flags of all kinds of devices. */
export const namedFlags: readonly NamedFlag[] = deviceFlags.map((flag) => {
  const option = new Option(flag.flags);
  return { ...flag, name: option.long!, attribute: option.attributeName() };
});

/** Those that were given. */
export const flagsGiven = (options: object): NamedFlag[] =>
  namedFlags.filter(({ attribute }) => ![undefined, false].includes((options as Given)[attribute] as undefined));

/** The kind of device that what was given means, where no kind is named. */
export const meantKind = (options: object): RunDevice | undefined =>
  flagsGiven(options).find((flag) => flag.meansKind)?.kind;

/** What flags say of a device; a flag that chooses among several of a kind stands beside it. */
export interface DeviceFlags {
  readonly device?: RunDevice | undefined;
}

const choosingFlags = namedFlags.filter((flag) => flag.meansKind);

/** Adds `--device`, and the flags that choose one of its kind, to a command that goes on with a run, or works with its weights. */
export function addDeviceFlags(command: Command, fallback = "the run's, else any that works"): Command {
  command.addOption(new Option('--device <kind>', `device to use (${fallback})`).choices(runDevices));
  for (const { flags, help } of choosingFlags) command.option(flags, help);
  return command;
}

/** The device that flags choose; undefined where they leave it open. @throws UsageError when they contradict each other */
export function chosenDevice(flags: DeviceFlags): DeviceChoice | undefined {
  requireAgreement(flags.device, flags);
  const choosing = choosingFlags.find(({ attribute }) => (flags as Given)[attribute] !== undefined);
  if (!choosing) return flags.device === undefined ? undefined : { kind: flags.device };
  const { kind, setting, name, attribute } = choosing;
  return { kind, [setting]: parseInteger(name, (flags as Given)[attribute] as string) };
}

/**
 * Only GPUs can be chosen from, and have products that tensor cores may round.
 * @param kind of device, as flags or a config name it; undefined where nothing does
 * @throws UsageError that names the flag
 */
export function requireAgreement(kind: unknown, options: object): void {
  if (kind === undefined) return;
  const wrong = flagsGiven(options).find((flag) => flag.kind !== kind);
  if (wrong)
    throw new UsageError(`${wrong.name} belongs to --device ${wrong.kind}, not to ${String(kind)}: leave one out.`);
}

/** Says why what is usual is not a GPU, where there is one. */
export async function reportUnusableGpus(): Promise<void> {
  if (defaultDevice().kind !== fallback.kind) return;
  const problems = await unusableDevices();
  if (problems.length > 0) console.error(`GPU unavailable: ${problems.join('; ')}; training on ${fallback.noun}`);
}

/** Says what is told of a run as it goes on: beside its progress, or as one of its lines of JSON. */
export function reportNotice(run: string, text: string, json: boolean): void {
  if (json) console.log(JSON.stringify({ run, type: 'note', text }));
  else console.error(text);
}

/**
 * Says where something is computed that belongs on a device which can't be used here.
 * @param own what its run was trained on
 * @param asked what flags choose: who has chosen need not be told
 */
export function reportMoved(own: DeviceChoice, here: DeviceChoice, asked: DeviceChoice | undefined): void {
  if (asked || isSameDevice(own, here)) return;
  const gpu = (device: DeviceChoice): string | undefined => {
    const { gpu: number } = numbered(device);
    return number === undefined ? undefined : `${kindOf(device.kind).shortLabel} ${number}`;
  };
  const trained = gpu(own) ?? own.kind;
  const where = gpu(here) ?? kindOf(here.kind).noun;
  console.error(`${trained}, which it was trained on, is unavailable here: using ${where}`);
}
