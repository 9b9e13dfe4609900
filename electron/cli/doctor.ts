import fs from 'node:fs';
import os from 'node:os';
import type { Command } from 'commander';
import { examineGpu } from './doctorGpu.ts';
import { parseInteger } from './numbers.ts';
import { findDevices, gpuDevice, requireDevice } from '../engine/devices/choose.ts';
import type { FoundDevice } from '../engine/devices/kind.ts';
import { fallback } from '../engine/devices/registry.ts';
import { messageOf, UsageError } from '../base/errors.ts';
import { formatBytes } from '../base/format.ts';
import { resolveHome } from '../studio/home.ts';
import { version } from '../base/version.ts';

interface Finding {
  readonly what: string;
  readonly ok: boolean;
  readonly detail: string;
}

interface DoctorOptions {
  readonly json?: boolean;
  readonly gpu?: boolean;
  readonly gpuIndex?: string;
  readonly tf32?: boolean;
}

export function addDoctor(command: Command): void {
  command
    .option('--json', 'one line of JSON')
    .option(
      '--gpu',
      'check every GPU op against the CPU, train on both, check bit-exact reruns and time whole steps (takes minutes)',
    )
    .option('--gpu-index <n>', 'with --gpu: which GPU (0)')
    .option('--tf32', 'with --gpu: TF32 matmuls')
    .action(async (options: DoctorOptions, command: Command) => {
      const { gpu = false, gpuIndex, tf32 = false, json = false } = options;
      if (gpu) {
        const ordinal = parseInteger('--gpu-index', gpuIndex ?? '0');
        requireDevice(gpuDevice(ordinal));
        if (!(await examineGpu({ ordinal, tf32, json }))) process.exitCode = 1;
        return;
      }
      const without = gpuIndex !== undefined ? '--gpu-index' : tf32 ? '--tf32' : undefined;
      if (without) throw new UsageError(`${without} belongs to --gpu: give that too.`);
      const findings = await examine(command.optsWithGlobals<{ home?: string }>().home);
      if (json) console.log(JSON.stringify(findings));
      else for (const { what, ok, detail } of findings) console.log(`${ok ? '✓' : '–'} ${what.padEnd(22)} ${detail}`);
      if (!findings.find((f) => f.what === `${fallback.kind} device`)?.ok) process.exitCode = 1;
    });
}

async function examine(home: string | undefined): Promise<Finding[]> {
  return [
    {
      what: 'trainyard',
      ok: true,
      detail: `${version} on Node ${process.versions.node}, ${os.platform()} ${os.arch()}`,
    },
    {
      what: 'processor',
      ok: true,
      detail: `${os.cpus()[0]?.model.trim() ?? 'unknown'}, ${os.availableParallelism()} cores`,
    },
    { what: 'memory', ok: true, detail: `${formatBytes(os.totalmem())}, ${formatBytes(os.freemem())} free` },
    ...devices(await findDevices(undefined)),
    check('home', () => {
      const dir = resolveHome(home);
      const { bavail, bsize } = fs.statfsSync(dir);
      return `${dir}, ${formatBytes(bavail * bsize)} free`;
    }),
  ];
}

/** A finding of each device; where there are several GPUs, by their numbers. */
function devices(found: readonly FoundDevice[]): Finding[] {
  const several = found.filter((d) => d.gpu !== undefined).length > 1;
  return found.map(({ kind, gpu, available, description }) => ({
    what: `${kind} device${several && gpu !== undefined ? ` ${gpu}` : ''}`,
    ok: available,
    detail: description,
  }));
}

function check(what: string, examineIt: () => string): Finding {
  try {
    return { what, ok: true, detail: examineIt() };
  } catch (error) {
    return { what, ok: false, detail: messageOf(error) };
  }
}
