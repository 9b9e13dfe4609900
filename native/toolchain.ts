/** The compilers of the machine, and how commands are run. */
import { spawn, spawnSync } from 'node:child_process';
import path from 'node:path';

/** A message for the user, on one line: no stack trace. */
export class BuildError extends Error {}

export interface Compiler {
  /** The program and the arguments that come with it. */
  readonly command: readonly string[];
  readonly msvc: boolean;
  /** What it calls itself; a new compiler compiles everything anew. */
  readonly version: string;
}

/** $CXX where it is set, else the first of the usual names that answers. @throws BuildError when there is none */
export function findCompiler(): Compiler {
  const defaults = process.platform === 'win32' ? ['cl'] : ['c++', 'g++', 'clang++'];
  const candidates = process.env.CXX ? [process.env.CXX.trim().split(/\s+/)] : defaults.map((name) => [name]);
  for (const command of candidates) {
    const msvc = /^(cl|clang-cl)(\.exe)?$/i.test(path.basename(command[0]!));
    const answer = spawnSync(command[0]!, [...command.slice(1), ...(msvc ? [] : ['--version'])], { encoding: 'utf8' });
    if (answer.error || (answer.status !== 0 && !msvc)) continue;
    return { command, msvc, version: `${answer.stdout}${answer.stderr}` };
  }
  const asked = process.env.CXX ? `CXX names '${process.env.CXX}', which does not run` : 'No C++ compiler was found';
  const advice: Partial<Record<NodeJS.Platform, string>> = {
    darwin: 'run `xcode-select --install`',
    win32: 'install the Visual Studio Build Tools with "Desktop development with C++" and use its x64 command prompt',
  };
  const install = advice[process.platform] ?? 'install one (Debian, Ubuntu: `sudo apt install g++`; Fedora: `gcc-c++`)';
  throw new BuildError(`${asked}: ${install}, then run npm ci again.`);
}

/** Of CUDA 12: it knows all GPUs that code is made for, and its programs run with every driver from 525 on. */
const oldestNvcc = 12;

/** Where `npm run setup:nvcc` unpacks the compiler that NVIDIA publishes on PyPI. */
export const wheelFolder = path.join(import.meta.dirname, 'build', 'nvcc');

/** A compiler, and what it has to be told so that it finds its own libraries. */
interface Nvcc {
  readonly command: readonly string[];
  readonly version: string;
  /** The version of CUDA that it says it is of. */
  readonly cuda: string;
}

/** The nvcc of wheels that lie side by side. It looks for libraries in `lib64`, where the wheels have `lib`. */
function nvccOfWheels(): string[] {
  const top = path.join(wheelFolder, 'nvidia', 'cu13');
  return process.platform === 'win32'
    ? [path.join(top, 'bin', 'nvcc.exe')]
    : [path.join(top, 'bin', 'nvcc'), `-L${path.join(top, 'lib')}`];
}

/** $NVCC, else those of the usual places that answer. */
function askNvccs(): Nvcc[] {
  const commands = process.env.NVCC ? [[process.env.NVCC]] : [['nvcc'], ['/usr/local/cuda/bin/nvcc'], nvccOfWheels()];
  return commands.flatMap((command) => {
    const { error, status, stdout } = spawnSync(command[0]!, ['--version'], { encoding: 'utf8' });
    if (error || status !== 0) return [];
    const [, cuda = '0'] = /release (\d+\.\d+)/.exec(stdout) ?? [];
    return [{ command, version: stdout, cuda }];
  });
}

/** NVIDIA's compiler: the first that is new enough. */
export function findNvcc(): Compiler | undefined {
  const found = askNvccs().find(({ cuda }) => Number.parseInt(cuda, 10) >= oldestNvcc);
  return found && { command: found.command, msvc: false, version: found.version };
}

/**
 * The GPUs of this machine by what their driver says: compute capabilities, each once, such as 86.
 * @returns undefined where there is no driver that answers
 */
export function findGpus(): number[] | undefined {
  const defaults = ['nvidia-smi', ...(process.platform === 'linux' ? ['/usr/lib/wsl/lib/nvidia-smi'] : [])];
  for (const command of defaults) {
    const args = ['--query-gpu=compute_cap', '--format=csv,noheader'];
    const { error, status, stdout } = spawnSync(command, args, { encoding: 'utf8', timeout: 20_000 });
    if (error || status !== 0) continue;
    const found = [...stdout.matchAll(/^\s*(\d+)\.(\d)\s*$/gm)].map(([, major, minor]) => Number(`${major}${minor}`));
    if (found.length > 0) return [...new Set(found)].sort((a, b) => a - b);
  }
  return undefined;
}

/** Why there is none that is new enough. */
export function noNvcc(): string {
  const [found] = askNvccs();
  return found
    ? `${found.command[0]} is of CUDA ${found.cuda}, and it takes ${oldestNvcc} or newer`
    : 'no nvcc was found';
}

/** On a Mac the compiler's own architecture need not be that of this Node. */
export function targetFlags(): string[] {
  return process.platform === 'darwin' ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
}

/**
 * Runs a command to its end; what it says is shown when it fails.
 * @param whose the messages that are shown then
 * @returns what it said @throws BuildError
 */
export async function run(command: readonly string[], doing: string, whose = "the compiler's"): Promise<string> {
  const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  if (code === 0) return said;
  process.stderr.write(said);
  throw new BuildError(`${doing} failed (${whose} messages are above).`);
}

/** Calls `work` on every item, `jobs` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  jobs: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}
