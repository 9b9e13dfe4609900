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
  const usual = process.platform === 'win32' ? ['cl'] : ['c++', 'g++', 'clang++'];
  const candidates = process.env.CXX ? [process.env.CXX.trim().split(/\s+/)] : usual.map((name) => [name]);
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

/** $NVCC, else those of the usual places that answer, and the version of CUDA that they say they are of. */
function askNvccs(): { readonly command: string; readonly version: string; readonly cuda: string }[] {
  const commands = process.env.NVCC ? [process.env.NVCC] : ['nvcc', '/usr/local/cuda/bin/nvcc'];
  return commands.flatMap((command) => {
    const { error, status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (error || status !== 0) return [];
    const [, cuda = '0'] = /release (\d+\.\d+)/.exec(stdout) ?? [];
    return [{ command, version: stdout, cuda }];
  });
}

/** NVIDIA's compiler: the first that is new enough. */
export function findNvcc(): Compiler | undefined {
  const found = askNvccs().find(({ cuda }) => Number.parseInt(cuda, 10) >= oldestNvcc);
  return found && { command: [found.command], msvc: false, version: found.version };
}

/** Why there is none that is new enough. */
export function noNvcc(): string {
  const [found] = askNvccs();
  return found ? `${found.command} is of CUDA ${found.cuda}, and it takes ${oldestNvcc} or newer` : 'no nvcc was found';
}

/** On a Mac the compiler's own architecture need not be that of this Node. */
export function targetFlags(): string[] {
  return process.platform === 'darwin' ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
}

/** Runs a command to its end; what it says is shown when it fails. @returns what it said @throws BuildError */
export async function run(command: readonly string[], doing: string): Promise<string> {
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
  throw new BuildError(`${doing} failed (the compiler's messages are above).`);
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
