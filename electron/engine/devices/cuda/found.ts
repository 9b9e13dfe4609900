import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf, UserError } from '../../../base/errors.ts';
import type { FoundGpu, FoundGpus } from '../gpu.ts';
import { NativeFailure } from '../native/failures.ts';
import { cudaAddonPath } from './addon.ts';
import { countGpus, lookAtGpu } from './device.ts';

/** How long what was found holds: whoever moves a slider must not wait for the driver each time. */
const holdsMs = 1000;
let latest: { readonly addon: string; readonly at: number; readonly found: FoundGpus } | undefined;

/** The GPUs of this machine, as they were a second ago at most. Takes nothing of their memory. */
export function findGpus(): FoundGpus {
  const addon = cudaAddonPath();
  const now = performance.now();
  if (latest?.addon === addon && now - latest.at < holdsMs) return latest.found;
  const found = look();
  latest = { addon, at: performance.now(), found };
  return found;
}

function look(): FoundGpus {
  try {
    const count = countGpus();
    if (count === 0) return { gpus: [], problem: whyNone() };
    return { gpus: Array.from({ length: count }, (_, ordinal) => lookAt(ordinal)) };
  } catch (error) {
    return { gpus: [], problem: unended(messageOf(error)) };
  }
}

function lookAt(ordinal: number): FoundGpu {
  try {
    return { ordinal, gpu: lookAtGpu(ordinal) };
  } catch (error) {
    return { ordinal, problem: unended(messageOf(error)) };
  }
}

function whyNone(): string {
  try {
    lookAtGpu(0);
    return 'No GPU can be used';
  } catch (error) {
    return withDriver(error);
  }
}

/** The first driver of a CUDA version, by NVIDIA's table of minor version compatibility. */
const firstDriver: Readonly<Record<number, number>> = { 12: 525, 13: 580 };

/** What is to be installed where the driver is missing or too old. */
export function withDriver(error: unknown): string {
  const problem = unended(messageOf(error));
  if (!(error instanceof NativeFailure) || error.code !== 'noDriver') return problem;
  const driver = firstDriver[Number.parseInt(String(error.args.cuda), 10)];
  return driver === undefined ? problem : `${problem}: install NVIDIA driver ${driver} or newer`;
}

/** Others go on behind it. */
const unended = (sentence: string): string => sentence.replace(/\.$/, '');

/** The GPUs that NVIDIA's own tool names, with their driver; empty where it is not there, or sees none. */
export async function seenByDriver(): Promise<string> {
  const query = ['--query-gpu=name,driver_version', '--format=csv,noheader'];
  try {
    const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 });
    return stdout.trim().split('\n').join('; ');
  } catch {
    return '';
  }
}

/** What can't be used, as its user is told: what a driver says, and what to do next. */
export function unusable(error: unknown): UserError {
  if (error instanceof UserError) return error;
  const problem = withDriver(error);
  return new UserError(`${problem}. \`trainyard doctor\` says what this machine has; --device cpu uses the CPU.`);
}
