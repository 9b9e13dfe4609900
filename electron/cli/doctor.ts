import fs from 'node:fs';
import os from 'node:os';
import type { Command } from 'commander';
import { examineGpu } from './doctorGpu.ts';
import { parseInteger } from './numbers.ts';
import { requireDevice } from '../engine/devices/usual.ts';
import { messageOf, UsageError } from '../errors.ts';
import { formatBytes } from '../format.ts';
import { findDevices, type FoundDevice } from '../studio/devices.ts';
import { resolveHome } from '../studio/home.ts';
import { version } from '../version.ts';

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

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('say what this machine has, and what is missing')
    .option('--json', 'one line of JSON')
    .option(
      '--gpu',
      'compare every op on the GPU with the processor, train on both and to the same bits, and time whole steps: some minutes',
    )
    .option('--gpu-index <n>', 'with --gpu: which GPU (0)')
    .option('--tf32', 'with --gpu: float32 products by tensor cores')
    .action(async (options: DoctorOptions, command: Command) => {
      const { gpu = false, gpuIndex, tf32 = false, json = false } = options;
      if (gpu) {
        const ordinal = parseInteger('--gpu-index', gpuIndex ?? '0');
        requireDevice({ kind: 'cuda', gpu: ordinal });
        if (!(await examineGpu({ ordinal, tf32, json }))) process.exitCode = 1;
        return;
      }
      const without = gpuIndex !== undefined ? '--gpu-index' : tf32 ? '--tf32' : undefined;
      if (without) throw new UsageError(`${without} belongs to --gpu: give that too.`);
      const findings = await examine(command.optsWithGlobals<{ home?: string }>().home);
      if (json) console.log(JSON.stringify(findings));
      else for (const { what, ok, detail } of findings) console.log(`${ok ? '✓' : '–'} ${what.padEnd(22)} ${detail}`);
      if (!findings.find((f) => f.what === 'cpu device')?.ok) process.exitCode = 1;
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
    ...devices(await findDevices()),
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
