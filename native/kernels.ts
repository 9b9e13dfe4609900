/**
 * What each CUDA kernel takes of a processor of a GPU, as the assembler told when they were compiled: registers of a
 * thread, bytes that do not fit into registers and go to memory instead (spills), shared memory that is fixed.
 * `node native/kernels.ts [sm]` prints them; build them before (`npm run build:cuda`).
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { cudaTarget } from './build.ts';
import { logsOf } from './compile.ts';

export interface KernelReport {
  /** Such as `TensorGemm<Bf16, float, false, true, 128>`. */
  readonly kernel: string;
  /** Such as 86. */
  readonly sm: number;
  readonly registers: number;
  /** Bytes of a thread's own memory: arrays and spills. */
  readonly stackBytes: number;
  readonly spillStoreBytes: number;
  readonly spillLoadBytes: number;
}

const entry =
  /Compiling entry function '(\S+)' for 'sm_(\d+)a?'.*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads.*?Used (\d+) registers/gs;

/** Of every kernel and target that was compiled; empty where none was. */
export function readKernelReports(): KernelReport[] {
  const found = logsOf(cudaTarget).flatMap((log) => [...log.matchAll(entry)]);
  const names = demangled(found.map(([, name]) => name!));
  return found
    .map(([, , sm, stack, stores, loads, registers], i) => ({
      kernel: names[i]!,
      sm: Number(sm),
      registers: Number(registers),
      stackBytes: Number(stack),
      spillStoreBytes: Number(stores),
      spillLoadBytes: Number(loads),
    }))
    .sort((a, b) => a.sm - b.sm || a.kernel.localeCompare(b.kernel));
}

/** Names as they stand in the source, where a demangler is there. */
function demangled(names: readonly string[]): string[] {
  const { status, stdout } = spawnSync('c++filt', { input: names.join('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (status !== 0) return [...names];
  return stdout.split('\n').map((name) =>
    name
      .replaceAll('trainyard::', '')
      .replaceAll('gpu::', '')
      .replace(/^void entry<(.*)>\(.*$/, '$1')
      .trim(),
  );
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  const wanted = Number(process.argv[2] ?? 86);
  const reports = readKernelReports().filter(({ sm }) => sm === wanted);
  if (reports.length === 0) {
    console.error(`There are no kernels for sm_${wanted}: run \`npm run build:cuda\`.`);
    process.exitCode = 1;
  }
  for (const r of reports)
    console.log(
      `${String(r.registers).padStart(4)} registers ${String(r.spillStoreBytes + r.spillLoadBytes).padStart(4)} B spilled  ${r.kernel}`,
    );
}
