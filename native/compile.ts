/**
 * How native addons are compiled and linked, with the compilers of the machine and nothing else: no node-gyp, no download.
 * Objects whose sources, headers and flags have not changed are kept.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chosenArchitectures } from './architectures.ts';
import { generate } from './generate.ts';
import {
  BuildError,
  type Compiler,
  findCompiler,
  findNvcc,
  inParallel,
  noNvcc,
  run,
  targetFlags,
} from './toolchain.ts';

const root = path.resolve(import.meta.dirname, '..');
const native = path.join(root, 'native');
/** Where addons are put. */
export const out = path.join(native, 'build');
const objects = path.join(out, 'objects');
const generated = path.join(out, 'generated');
const headers = (name: string) => path.join(root, 'node_modules', name);
/** Which Node-API addons are compiled against. */
const foreignVersions = ['node-addon-api', 'node-api-headers'].map((name) => headers(`${name}/package.json`));
const foreignIncludes = [headers('node-api-headers/include'), headers('node-addon-api')];

/** Flags of the translation units that are compiled for one instruction set, on x86-64 only. */
const avx2 = ['-mavx2', '-mfma', '-mf16c'];
const avx512 = [...avx2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'];
const isaFlags: Record<string, { gnu: readonly string[]; msvc: readonly string[] }> = {
  'isa_avx2.cpp': { gnu: avx2, msvc: ['/arch:AVX2'] },
  'isa_avx512.cpp': { gnu: avx512, msvc: ['/arch:AVX512'] },
  'isa_avx512bf16.cpp': { gnu: [...avx512, '-mavx512bf16'], msvc: ['/arch:AVX512'] },
};

function hostFlags(compiler: Compiler, source: string, part: Part): string[] {
  const isa = process.arch === 'x64' ? isaFlags[path.basename(source)] : undefined;
  if (compiler.msvc) {
    const common = ['/nologo', '/c', '/O2', '/std:c++17', '/EHsc', '/MD', '/utf-8', '/fp:precise', '/DNOMINMAX'];
    return [...common, ...(isa?.msvc ?? []), ...definitions(part, '/D'), ...includes(part, '/I')];
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
    ...targetFlags(),
    ...(isa?.gnu ?? []),
    ...definitions(part, '-D'),
    ...includes(part, '-I'),
  ];
}

/** Sources that are compiled alike. */
export interface Part {
  readonly sources: readonly string[];
  /** By the host's compiler, or nvcc: to objects, or to PTX, which lies beside the addon. Default: `host`. */
  readonly by?: 'host' | 'nvcc' | 'ptx';
  /** Folders beside those that all have, before them. */
  readonly includes?: readonly string[];
  readonly defines?: readonly string[];
  /** What tells the objects apart from those of the same sources, compiled otherwise. */
  readonly prefix?: string;
}

/** An addon that is built. */
export interface Target {
  /** As it is asked for. */
  readonly name: string;
  readonly file: string;
  readonly parts: readonly Part[];
}

/** Sources of a folder that this architecture needs. */
export function sourcesIn(folder: string): string[] {
  return fs
    .readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpp'))
    .filter((name) => process.arch === 'x64' || !(path.basename(name) in isaFlags))
    .map((name) => path.join(folder, name))
    .sort();
}

/** Folders of this project in which a part's sources look for headers. */
const ownIncludes = (part: Part): string[] => [...(part.includes ?? []), generated];
const includes = (part: Part, flag: string): string[] =>
  [...ownIncludes(part), ...foreignIncludes].map((dir) => `${flag}${dir}`);
/** Without the second one, what is thrown to a thread that is being ended would end the whole process. */
const nodeApi = ['NAPI_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'];
const definitions = (part: Part, flag: string): string[] =>
  [...nodeApi, ...(part.defines ?? [])].map((name) => `${flag}${name}`);

/** A file of this project and all files of it that it includes, however deep. */
function withIncludes(file: string, dirs: readonly string[], seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const include = /^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)/gm;
  for (const [, quoted, named] of fs.readFileSync(file, 'utf8').matchAll(include)) {
    const places = quoted === undefined ? dirs : [path.dirname(file), ...dirs];
    const found = places.map((dir) => path.join(dir, (quoted ?? named)!)).find((p) => fs.existsSync(p));
    if (found) withIncludes(found, dirs, seen);
  }
  return seen;
}

function nvccFlags(part: Part): string[] {
  const architectures = chosenArchitectures();
  const code = architectures.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`);
  const newest = architectures.at(-1)!;
  const host = process.platform === 'win32' ? '/EHsc,/MD,/utf-8,/DNOMINMAX' : '-fPIC,-fvisibility=hidden';
  return [
    ...['-x', 'cu', '-c', '-O3', '-std=c++17', '-Xptxas', '-v', '-Xcompiler', host],
    ...code,
    `-gencode=arch=compute_${newest},code=compute_${newest}`,
    ...includes(part, '-I'),
  ];
}

/** The kernels have no branch that differs by architecture: one stands for all. */
const interpretedArchitecture = 86;

/** Of kernels to PTX, which says where in the sources its instructions come from. */
const textFlags = (part: Part): string[] => [
  ...['-x', 'cu', '-ptx', '-O3', '-std=c++17', '-lineinfo'],
  `-arch=compute_${interpretedArchitecture}`,
  ...includes(part, '-I'),
];

/** How a source is compiled. */
interface Step {
  readonly source: string;
  readonly part: Part;
  readonly compiler: Compiler;
  readonly flags: readonly string[];
  /** Or the text of PTX. */
  readonly object: string;
}

function objectOf(source: string, { prefix = '' }: Part): string {
  const within = path.relative(native, source).startsWith('..') ? root : native;
  return path.join(objects, `${prefix}${path.relative(within, source).replaceAll(path.sep, '.')}.o`);
}

/** All that is compiled of an addon: objects, and texts. */
const stepsOf = (target: Target, compiler: Compiler, nvcc: Compiler | undefined): Step[] =>
  target.parts.flatMap((part) => part.sources.map((source) => stepOf(source, part, target, compiler, nvcc)));

function stepOf(source: string, part: Part, target: Target, compiler: Compiler, nvcc: Compiler | undefined): Step {
  switch (part.by) {
    case 'ptx': {
      const text = path.join(path.dirname(target.file), `${path.basename(source, '.cpp')}.ptx`);
      return { source, part, compiler: nvcc!, flags: textFlags(part), object: text };
    }
    case 'nvcc':
      return { source, part, compiler: nvcc!, flags: nvccFlags(part), object: objectOf(source, part) };
    default:
      return { source, part, compiler, flags: hostFlags(compiler, source, part), object: objectOf(source, part) };
  }
}

/** All texts of the folder are read: one whose source is gone would still be. */
function removeOtherTexts(folder: string, steps: readonly Step[]): void {
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.ptx'))) {
    const file = path.join(folder, name);
    if (steps.some((step) => step.object === file)) continue;
    fs.rmSync(file);
    fs.rmSync(`${file}.hash`, { force: true });
  }
}

/** What an object was made from: it is up to date while this stays the same. */
function fingerprint({ compiler, flags, source, part }: Step): string {
  // Where the project lies is of no matter: what was built in one copy is good in another.
  const said = JSON.stringify([compiler.command, flags]).replaceAll(JSON.stringify(root).slice(1, -1), '.');
  const hash = createHash('sha256').update(said);
  hash.update(compiler.version);
  for (const file of foreignVersions) hash.update(fs.readFileSync(file));
  for (const file of withIncludes(source, ownIncludes(part)))
    hash.update(path.relative(root, file)).update(fs.readFileSync(file));
  return hash.digest('hex');
}

/** Compiles one source beside its object's final name, so that a build cut short leaves no half an object. */
async function compile(step: Step): Promise<void> {
  const { compiler, flags, source, object } = step;
  const partial = `${object}.${process.pid}`;
  const target = compiler.msvc ? [`/Fo${partial}`, source] : ['-o', partial, source];
  const mark = fingerprint(step);
  const said = await run([...compiler.command, ...flags, ...target], `Compiling ${path.relative(root, source)}`);
  fs.renameSync(partial, object);
  // What the assembler says of registers: see native/kernels.ts.
  if (said.includes('ptxas info')) fs.writeFileSync(`${object}.log`, said);
  fs.writeFileSync(`${object}.hash`, mark);
}

/** What tells Windows' linker that Node has the functions of Node-API. */
async function nodeLibraries(): Promise<string[]> {
  const libraries: string[] = [];
  for (const name of ['node_api', 'js_native_api']) {
    const library = path.join(objects, `${name}.lib`);
    const definition = headers(`node-api-headers/def/${name}.def`);
    const machine = process.arch === 'x64' ? 'X64' : 'ARM64';
    await run(['lib', '/nologo', `/def:${definition}`, `/out:${library}`, `/machine:${machine}`], `Making ${name}.lib`);
    libraries.push(library);
  }
  return libraries;
}

async function link(target: Target, inputs: readonly string[], compiler: Compiler, nvcc?: Compiler): Promise<void> {
  const partial = `${target.file}.${process.pid}.tmp`;
  const libraries = compiler.msvc ? [...(await nodeLibraries()), 'delayimp.lib'] : [];
  const delayed = '/DELAYLOAD:NODE.EXE';
  if (target.parts.some(({ by }) => by === 'nvcc')) {
    // CUDA's runtime goes into the addon: whoever uses it needs a driver and nothing else.
    const linker = compiler.msvc ? ['-Xlinker', delayed] : [];
    await run(
      [...nvcc!.command, '-shared', '-cudart', 'static', ...linker, '-o', partial, ...inputs, ...libraries],
      'Linking',
    );
  } else if (compiler.msvc) {
    await run(
      [...compiler.command, '/nologo', '/LD', ...inputs, ...libraries, `/Fe:${partial}`, '/link', delayed],
      'Linking',
    );
  } else {
    const shared =
      process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared', '-pthread'];
    await run([...compiler.command, ...targetFlags(), ...shared, '-o', partial, ...inputs], 'Linking');
  }
  // A rename, not a copy: a process that has the old addon open keeps the old one.
  fs.renameSync(partial, target.file);
}

/** What an addon is made from, whoever compiles it: SHA-256 of all its sources and headers, and of this file, which has the flags. */
export function sourcesHash(target: Target): string {
  generate(generated);
  const files = new Set([import.meta.filename, ...foreignVersions]);
  for (const part of target.parts)
    for (const source of part.sources) for (const file of withIncludes(source, ownIncludes(part))) files.add(file);
  const hash = createHash('sha256');
  for (const file of [...files].sort())
    hash
      .update(path.relative(root, file).split(path.sep).join('/'))
      .update('\0')
      .update(fs.readFileSync(file))
      .update('\0');
  return hash.digest('hex');
}

const markOf = ({ object }: Step): string =>
  fs.existsSync(`${object}.hash`) ? fs.readFileSync(`${object}.hash`, 'utf8') : '';

/** Whether all that an addon is made of was compiled, by compilers that are here, from what is here. */
export function isUpToDate(target: Target): boolean {
  const [compiler, nvcc] = [findCompiler(), needsNvcc(target) ? findNvcc() : undefined];
  const steps = stepsOf(target, compiler, nvcc);
  return fs.existsSync(target.file) && steps.every((step) => markOf(step) === fingerprint(step));
}

/** What the assembler said of the kernels of an addon, source by source. */
export function logsOf({ parts }: Target): string[] {
  const kernels = parts.filter(({ by }) => by === 'nvcc');
  const logs = kernels.flatMap((part) => part.sources.map((source) => `${objectOf(source, part)}.log`));
  return logs.filter((file) => fs.existsSync(file)).map((file) => fs.readFileSync(file, 'utf8'));
}

const needsNvcc = ({ parts }: Target): boolean => parts.some(({ by }) => by === 'nvcc' || by === 'ptx');

/** Builds what is out of date of an addon. @throws BuildError with one line for the user */
export async function build(target: Target): Promise<void> {
  const start = performance.now();
  const compiler = findCompiler();
  const nvcc = needsNvcc(target) ? findNvcc() : undefined;
  if (needsNvcc(target) && !nvcc)
    throw new BuildError(`${noNvcc()}: \`npm run setup:nvcc\` fetches one, or name that of a CUDA toolkit in NVCC.`);
  for (const dir of [objects, generated, path.dirname(target.file)]) fs.mkdirSync(dir, { recursive: true });
  generate(generated);
  const steps = stepsOf(target, compiler, nvcc);
  if (target.parts.some(({ by }) => by === 'ptx')) removeOtherTexts(path.dirname(target.file), steps);
  const stale = steps.filter((step) => !fs.existsSync(step.object) || markOf(step) !== fingerprint(step));
  // The longest first: kernels are compiled for several instruction sets, or GPUs.
  const isLong = ({ source, part }: Step): number =>
    Number(source.includes('isa_') || part.by === 'nvcc' || part.by === 'ptx');
  stale.sort((a, b) => isLong(b) - isLong(a));
  await inParallel(stale, Math.max(2, os.availableParallelism()), compile);
  // The addon is as good as the objects that it was linked from.
  const linked = target.file.replace(/node$/, 'hash');
  const marks = steps.map(markOf).join('\n');
  const current = fs.existsSync(target.file) && fs.existsSync(linked) && fs.readFileSync(linked, 'utf8') === marks;
  if (!current) {
    const inputs = steps.filter(({ part }) => part.by !== 'ptx').map(({ object }) => object);
    await link(target, inputs, compiler, nvcc);
    fs.writeFileSync(linked, marks);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`native (${target.name}): compiled ${stale.length} of ${steps.length} files in ${seconds} s`);
}

/** Builds by names, and says in one line what can't be built. */
export async function buildByName(names: readonly string[], targets: readonly Target[], make = build): Promise<void> {
  try {
    for (const name of names) {
      const target = targets.find((t) => t.name === name);
      const known = targets.map((t) => t.name).join(', ');
      if (!target) throw new BuildError(`There is nothing to build that is named ${name}: ${known}.`);
      await make(target);
    }
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`native: ${error.message}`);
    process.exitCode = 1;
  }
}
