/**
 * Compiles the native CPU addon with the C++ compiler of the machine and nothing else: no node-gyp, no download.
 * Run by `npm ci` (the install script). Objects whose sources, headers and flags have not changed are kept.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');
const native = path.join(root, 'native');
const out = path.join(native, 'build');
const objects = path.join(out, 'objects');
const generated = path.join(out, 'generated');
const addon = path.join(out, 'trainyard_cpu.node');
const headers = (name: string) => path.join(root, 'node_modules', name);
const includeDirs = [generated, headers('node-api-headers/include'), headers('node-addon-api')];

/** A message for the user, on one line: no stack trace. */
class BuildError extends Error {}

interface Compiler {
  /** The program and the arguments that come with it. */
  readonly command: readonly string[];
  readonly msvc: boolean;
  /** What it calls itself; a new compiler compiles everything anew. */
  readonly version: string;
}

/** Flags of the translation units that are compiled for one instruction set, on x86-64 only. */
const avx2 = ['-mavx2', '-mfma', '-mf16c'];
const avx512 = [...avx2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'];
const isaFlags: Record<string, { gnu: readonly string[]; msvc: readonly string[] }> = {
  'isa_avx2.cpp': { gnu: avx2, msvc: ['/arch:AVX2'] },
  'isa_avx512.cpp': { gnu: avx512, msvc: ['/arch:AVX512'] },
  'isa_avx512bf16.cpp': { gnu: [...avx512, '-mavx512bf16'], msvc: ['/arch:AVX512'] },
};

/** $CXX where it is set, else the first of the usual names that answers. @throws BuildError when there is none */
function findCompiler(): Compiler {
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

function flagsFor(compiler: Compiler, source: string): string[] {
  const isa = process.arch === 'x64' ? isaFlags[path.basename(source)] : undefined;
  if (compiler.msvc) {
    const common = ['/nologo', '/c', '/O2', '/std:c++17', '/EHsc', '/MD', '/utf-8', '/fp:precise', '/DNOMINMAX'];
    return [...common, '/DNAPI_CPP_EXCEPTIONS', ...(isa?.msvc ?? []), ...includeDirs.map((dir) => `/I${dir}`)];
  }
  return [
    '-c',
    '-O3',
    '-std=c++17',
    '-fPIC',
    '-fvisibility=hidden',
    '-pthread',
    // Multiply-adds are fused where the code says so, and nowhere else: results do not depend on the compiler's mood.
    '-ffp-contract=off',
    '-DNAPI_CPP_EXCEPTIONS',
    ...targetFlags(),
    ...(isa?.gnu ?? []),
    ...includeDirs.map((dir) => `-I${dir}`),
  ];
}

/** On a Mac the compiler's own architecture need not be that of this Node. */
function targetFlags(): string[] {
  return process.platform === 'darwin' ? ['-arch', process.arch === 'x64' ? 'x86_64' : 'arm64'] : [];
}

/** Every source that this architecture needs. */
function listSources(): string[] {
  return ['cpu', 'binding']
    .map((folder) => path.join(native, folder))
    .filter((folder) => fs.existsSync(folder))
    .flatMap((folder) =>
      fs
        .readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.cpp'))
        .filter((name) => process.arch === 'x64' || !(path.basename(name) in isaFlags))
        .map((name) => path.join(folder, name)),
    )
    .sort();
}

/** A file of this project and all files of it that it includes, however deep. */
function withIncludes(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const match of fs.readFileSync(file, 'utf8').matchAll(/^[ \t]*#[ \t]*include[ \t]*"([^"]+)"/gm)) {
    const found = [path.dirname(file), generated].map((dir) => path.join(dir, match[1]!)).find((p) => fs.existsSync(p));
    if (found) withIncludes(found, seen);
  }
  return seen;
}

/** What an object was made from: it is up to date while this stays the same. */
function fingerprint(compiler: Compiler, source: string): string {
  const hash = createHash('sha256').update(JSON.stringify([compiler.command, flagsFor(compiler, source)]));
  hash.update(compiler.version);
  for (const name of ['node-addon-api', 'node-api-headers']) {
    hash.update(fs.readFileSync(headers(`${name}/package.json`)));
  }
  for (const file of withIncludes(source)) hash.update(path.relative(root, file)).update(fs.readFileSync(file));
  return hash.digest('hex');
}

/** Runs a command to its end; what it says is shown when it fails. @throws BuildError */
async function run(command: readonly string[], doing: string): Promise<void> {
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
  if (code === 0) return;
  process.stderr.write(said);
  throw new BuildError(`${doing} failed (the compiler's messages are above).`);
}

/** Calls `work` on every item, `jobs` at a time. */
async function inParallel<T>(items: readonly T[], jobs: number, work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

const objectOf = (source: string): string =>
  path.join(objects, `${path.relative(native, source).replaceAll(path.sep, '.')}.o`);

/** Compiles one source beside its object's final name, so that a build cut short leaves no half an object. */
async function compile(compiler: Compiler, source: string): Promise<void> {
  const object = objectOf(source);
  const partial = `${object}.${process.pid}`;
  const target = compiler.msvc ? [`/Fo${partial}`, source] : ['-o', partial, source];
  const mark = fingerprint(compiler, source);
  await run(
    [...compiler.command, ...flagsFor(compiler, source), ...target],
    `Compiling ${path.relative(root, source)}`,
  );
  fs.renameSync(partial, object);
  fs.writeFileSync(`${object}.hash`, mark);
}

async function link(compiler: Compiler, sources: readonly string[]): Promise<void> {
  const inputs = sources.map(objectOf);
  const partial = path.join(out, `trainyard_cpu.${process.pid}.tmp`);
  if (compiler.msvc) {
    const libraries: string[] = [];
    for (const name of ['node_api', 'js_native_api']) {
      const library = path.join(objects, `${name}.lib`);
      const definition = headers(`node-api-headers/def/${name}.def`);
      const machine = process.arch === 'x64' ? 'X64' : 'ARM64';
      await run(
        ['lib', '/nologo', `/def:${definition}`, `/out:${library}`, `/machine:${machine}`],
        `Making ${name}.lib`,
      );
      libraries.push(library);
    }
    const delayed = ['delayimp.lib', '/link', '/DELAYLOAD:NODE.EXE'];
    await run(
      [...compiler.command, '/nologo', '/LD', ...inputs, ...libraries, `/Fe:${partial}`, ...delayed],
      'Linking',
    );
  } else {
    const shared =
      process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];
    await run([...compiler.command, ...targetFlags(), ...shared, '-o', partial, ...inputs], 'Linking');
  }
  // A rename, not a copy: a process that has the old addon open keeps the old one.
  fs.renameSync(partial, addon);
}

/** The C++ mirror of the op declarations. */
async function generate(): Promise<void> {
  const generator = path.join(native, 'generate.ts');
  if (!fs.existsSync(generator)) return;
  const module = (await import(pathToFileURL(generator).href)) as { generateCalls(outFile: string): void };
  module.generateCalls(path.join(generated, 'calls.h'));
}

/** Builds what is out of date. @throws BuildError with one line for the user */
export async function buildNative(): Promise<void> {
  const start = performance.now();
  const compiler = findCompiler();
  for (const dir of [objects, generated]) fs.mkdirSync(dir, { recursive: true });
  await generate();
  const sources = listSources();
  const stale = sources.filter((source) => {
    const mark = `${objectOf(source)}.hash`;
    const made = fs.existsSync(objectOf(source)) && fs.existsSync(mark) ? fs.readFileSync(mark, 'utf8') : '';
    return made !== fingerprint(compiler, source);
  });
  // The longest first: the kernels are compiled once for each instruction set.
  stale.sort((a, b) => Number(b.includes('isa_')) - Number(a.includes('isa_')));
  await inParallel(stale, Math.max(2, os.availableParallelism()), (source) => compile(compiler, source));
  // The addon is as good as the objects that it was linked from.
  const linked = path.join(out, 'trainyard_cpu.hash');
  const marks = sources.map((source) => fs.readFileSync(`${objectOf(source)}.hash`, 'utf8')).join('\n');
  const current = fs.existsSync(addon) && fs.existsSync(linked) && fs.readFileSync(linked, 'utf8') === marks;
  if (sources.length > 0 && !current) {
    await link(compiler, sources);
    fs.writeFileSync(linked, marks);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`native: compiled ${stale.length} of ${sources.length} files in ${seconds} s`);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  try {
    await buildNative();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`native: ${error.message}`);
    process.exitCode = 1;
  }
}
