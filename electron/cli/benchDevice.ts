import { type Command, Option } from 'commander';
import { requireDevice } from '../engine/devices/usual.ts';
import { UsageError } from '../errors.ts';
import { parseInteger } from './numbers.ts';

/** What flags of a bench say of the device that is measured. */
export interface BenchDeviceFlags {
  readonly device: 'cpu' | 'cuda';
  readonly gpuIndex?: string;
  readonly threads?: string;
  readonly tf32?: boolean;
  readonly pytorch?: string;
}

/** The device that is measured, as a run's config has it. */
export type BenchedDevice =
  { readonly kind: 'cpu'; readonly threads?: number } | { readonly kind: 'cuda'; readonly gpu: number };

/** Adds those that all benches have which measure a device: the processor unless they name another. */
export function addBenchDevice(command: Command): Command {
  return command
    .addOption(new Option('--device <kind>', 'what is measured').choices(['cpu', 'cuda']).default('cpu'))
    .option('--gpu-index <n>', 'of cuda: which GPU (0)')
    .option('--threads <n>', 'of cpu: threads (all cores)');
}

/**
 * The device that flags choose.
 * @throws UsageError when a flag of one device is given for the other, UserError when the device can't be used
 */
export function benchDevice(flags: BenchDeviceFlags): BenchedDevice {
  const { device: kind, threads, gpuIndex } = flags;
  if (kind === 'cpu') {
    const given = { '--gpu-index': gpuIndex, '--tf32': flags.tf32, '--pytorch': flags.pytorch };
    const wrong = Object.entries(given).find(([, value]) => value !== undefined);
    if (wrong) throw new UsageError(`${wrong[0]} belongs to --device cuda: give that too.`);
    return { kind, ...(threads === undefined ? {} : { threads: parseInteger('--threads', threads, 1) }) };
  }
  if (threads !== undefined) throw new UsageError('--threads belongs to --device cpu: leave out one of them.');
  const device: BenchedDevice = { kind, gpu: parseInteger('--gpu-index', gpuIndex ?? '0') };
  requireDevice(device);
  return device;
}
