import { type Command, Option } from 'commander';
import { type RunDevice, runDevices } from '../engine/config.ts';
import { type DeviceChoice, isSameDevice, unusableGpus, usualDevice } from '../engine/devices/usual.ts';
import { UsageError } from '../errors.ts';
import { parseInteger } from './numbers.ts';

/** What flags say of a device. */
export interface DeviceFlags {
  readonly device?: RunDevice | undefined;
  readonly gpuIndex?: string | undefined;
}

/** Adds `--device` and `--gpu-index` to a command that goes on with a run, or works with its weights. */
export function addDeviceFlags(command: Command, usual = "the run's; where that can't be used, what can"): Command {
  return command
    .addOption(new Option('--device <kind>', `where it is computed (${usual})`).choices(runDevices))
    .option('--gpu-index <n>', 'which GPU, as CUDA counts them; it means --device cuda');
}

/** The device that flags choose; undefined where they leave it open. @throws UsageError when they contradict each other */
export function chosenDevice(flags: DeviceFlags): DeviceChoice | undefined {
  requireAgreement(flags.device, flags);
  if (flags.gpuIndex === undefined) return flags.device === undefined ? undefined : { kind: flags.device };
  return { kind: 'cuda', gpu: parseInteger('--gpu-index', flags.gpuIndex) };
}

/**
 * Only cuda has GPUs to choose from, and products that tensor cores may round.
 * @param kind of device, as flags or a config name it; undefined where nothing does
 * @throws UsageError that names the flag
 */
export function requireAgreement(kind: unknown, flags: { readonly gpuIndex?: unknown; readonly tf32?: unknown }): void {
  if (kind === undefined || kind === 'cuda') return;
  const flag = flags.gpuIndex === undefined ? (flags.tf32 ? '--tf32' : undefined) : '--gpu-index';
  if (flag !== undefined)
    throw new UsageError(`${flag} belongs to --device cuda, not to ${String(kind)}: leave one out.`);
}

/** Says why what is usual is not a GPU, where there is one. */
export async function tellUnusableGpus(): Promise<void> {
  if (usualDevice().kind === 'cuda') return;
  const problems = await unusableGpus();
  if (problems.length > 0) console.error(`the GPU is not used: ${problems.join('; ')}; training on the processor`);
}

/** Says what is told of a run as it goes on: beside its progress, or as one of its lines of JSON. */
export function tellNotice(run: string, text: string, json: boolean): void {
  if (json) console.log(JSON.stringify({ run, type: 'note', text }));
  else console.error(text);
}

/**
 * Says where something is computed that belongs on a device which can't be used here.
 * @param own what its run was trained on
 * @param asked what flags choose: who has chosen need not be told
 */
export function tellMoved(own: DeviceChoice, here: DeviceChoice, asked: DeviceChoice | undefined): void {
  if (asked || isSameDevice(own, here)) return;
  const where = here.kind === 'cuda' ? `GPU ${here.gpu ?? 0}` : 'the processor';
  const trained = own.kind === 'cuda' ? `GPU ${own.gpu ?? 0}` : own.kind;
  console.error(`${trained}, which it was trained on, can't be used here: computing on ${where}`);
}
