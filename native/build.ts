/**
 * Compiles the native addons with the compilers of the machine and nothing else: no node-gyp, no download.
 * `npm ci` (the install script) makes that of the CPU, and that of GPUs where nvcc is found. Objects whose sources, headers and flags have not changed are kept.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
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
const out = path.join(native, 'build');
const objects = path.join(out, 'objects');
const generated = path.join(out, 'generated');
const headers = (name: string) => path.join(root, 'node_modules', name);
const includeDirs = [generated, headers('node-api-headers/include'), headers('node-addon-api')];

/** Flags of the translation units that are compiled for one instruction set, on x86-64 only. */
const avx2 = ['-mavx2', '-mfma', '-mf16c'];
const avx512 = [...avx2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl'];
const isaFlags: Record<string, { gnu: readonly string[]; msvc: readonly string[] }> = {
  'isa_avx2.cpp': { gnu: avx2, msvc: ['/arch:AVX2'] },
  'isa_avx512.cpp': { gnu: avx512, msvc: ['/arch:AVX512'] },
  'isa_avx512bf16.cpp': { gnu: [...avx512, '-mavx512bf16'], msvc: ['/arch:AVX512'] },
};

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

/** An addon that is built. */
interface Target {
  readonly file: string;
  readonly sources: readonly string[];
  /** Those that are compiled by nvcc. */
  readonly kernels: readonly string[];
  /** Those whose kernels are compiled to PTX, which lies beside the addon. */
  readonly texts?: readonly string[];
  /** Those that are compiled with TRAINYARD_PTX, and once more where other addons have them without. */
  readonly ofPtx?: readonly string[];
}

const targetNames = ['cpu', 'emulated', 'blasLt', 'interpreter', 'ptx', 'cuda'] as const;

/** Sources of a folder that this architecture needs. */
function sourcesIn(folder: string): string[] {
  return fs
    .readdirSync(path.join(native, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.cpp'))
    .filter((name) => process.arch === 'x64' || !(path.basename(name) in isaFlags))
    .map((name) => path.join(native, folder, name))
    .sort();
}

const at = (...names: string[]): string[] => names.map((name) => path.join(native, name));

/** What every GPU addon is made of besides what plays the GPU. */
const gpuCommon = [
  ...['binding/gpuAddon.cpp', 'binding/delayLoad.cpp', 'cpu/quantise.cpp'],
  ...['gpu', 'session', 'pager', 'products', 'blasLt'].map((name) => `cuda/runtime/${name}.cpp`),
];
const launching = ['execute', 'executeF32', 'executeBf16', 'executeF16'].map((name) => `cuda/runtime/${name}.cpp`);
const emulating = ['cuda/runtime/emulated.cpp', ...launching];

/**
 * `cpu` is what runs need; `cuda` has the kernels for a real GPU. For tests, `emulated` plays a GPU by the kernels' sources,
 * `ptx` by what nvcc makes of them, which `interpreter` runs as it is given; `blasLt` plays NVIDIA's library.
 */
function targetOf(name: (typeof targetNames)[number]): Target {
  switch (name) {
    case 'cpu': {
      const binding = at('binding/addon.cpp', 'binding/delayLoad.cpp');
      return { file: path.join(out, 'trainyard_cpu.node'), sources: [...binding, ...sourcesIn('cpu')], kernels: [] };
    }
    case 'emulated': {
      const sources = [...at(...gpuCommon, ...emulating), ...sourcesIn('cuda/layer')];
      return { file: path.join(out, 'tests', 'trainyard_emulated.node'), sources, kernels: [] };
    }
    case 'blasLt': {
      const sources = [
        path.join(root, 'tests/cuda/standIn/cublasLt.cpp'),
        ...at('cuda/layer/emulated.cpp', 'cuda/layer/fiber.cpp'),
      ];
      return { file: path.join(out, 'tests', 'trainyard_blasLt.node'), sources, kernels: [] };
    }
    case 'interpreter': {
      const interpreter = sourcesIn('cuda/ptx').filter((source) => !source.endsWith('library.cpp'));
      return {
        file: path.join(out, 'tests', 'trainyard_interpreter.node'),
        sources: [...at('binding/ptxAddon.cpp', 'binding/delayLoad.cpp'), ...interpreter],
        kernels: [],
      };
    }
    case 'ptx': {
      const sources = [...at(...gpuCommon, ...emulating), ...sourcesIn('cuda/ptx')];
      const file = path.join(out, 'tests', 'trainyard_ptx.node');
      return { file, sources, kernels: [], texts: at(...launching), ofPtx: at('binding/gpuAddon.cpp', ...emulating) };
    }
    case 'cuda': {
      const kernels = at('cuda/runtime/cuda.cpp', ...launching);
      return {
        file: path.join(out, 'trainyard_cuda.node'),
        sources: [...at(...gpuCommon, 'cuda/runtime/driverMemory.cpp'), ...kernels],
        kernels,
      };
    }
  }
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

/** GPUs that have code of their own; newer ones compile the last one's as they start. */
const architectures = [80, 86, 89, 90];

function nvccFlags(): string[] {
  const code = architectures.map((sm) => `-gencode=arch=compute_${sm},code=sm_${sm}`);
  const newest = architectures.at(-1)!;
  const host = process.platform === 'win32' ? '/EHsc,/MD,/utf-8,/DNOMINMAX' : '-fPIC,-fvisibility=hidden';
  return [
    ...['-x', 'cu', '-c', '-O3', '-std=c++17', '-Xptxas', '-v', '-Xcompiler', host],
    ...code,
    `-gencode=arch=compute_${newest},code=compute_${newest}`,
    ...includeDirs.map((dir) => `-I${dir}`),
  ];
}

/** The kernels have no branch that differs by architecture: one stands for all. */
const interpretedArchitecture = 86;

/** Of kernels to PTX, which says where in the sources its instructions come from. */
const textFlags = (): string[] => [
  ...['-x', 'cu', '-ptx', '-O3', '-std=c++17', '-lineinfo'],
  `-arch=compute_${interpretedArchitecture}`,
  ...includeDirs.map((dir) => `-I${dir}`),
];

/** How a source is compiled. */
interface Step {
  readonly source: string;
  readonly compiler: Compiler;
  readonly flags: readonly string[];
  readonly object: string;
}

function objectOf(source: string, { kernels, ofPtx }: Target): string {
  const prefix = kernels.includes(source) ? 'cuda.' : ofPtx?.includes(source) ? 'ptx.' : '';
  return path.join(objects, `${prefix}${path.relative(native, source).replaceAll(path.sep, '.')}.o`);
}

/** All that is compiled of an addon: objects, and texts. */
const stepsOf = (target: Target, compiler: Compiler, nvcc: Compiler | undefined): Step[] => [
  ...(target.texts ?? []).map((source) => textStepOf(source, target, nvcc!)),
  ...target.sources.map((source) => stepOf(source, target, compiler, nvcc)),
];

/** All texts of the folder are read: one whose source is gone would still be. */
function removeOtherTexts(folder: string, steps: readonly Step[]): void {
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.ptx'))) {
    const file = path.join(folder, name);
    if (steps.some((step) => step.object === file)) continue;
    fs.rmSync(file);
    fs.rmSync(`${file}.hash`, { force: true });
  }
}

function textStepOf(source: string, target: Target, nvcc: Compiler): Step {
  const text = path.join(path.dirname(target.file), `${path.basename(source, '.cpp')}.ptx`);
  return { source, compiler: nvcc, flags: textFlags(), object: text };
}

function stepOf(source: string, target: Target, compiler: Compiler, nvcc: Compiler | undefined): Step {
  const isKernel = target.kernels.includes(source);
  const used = isKernel ? nvcc! : compiler;
  const defined = target.ofPtx?.includes(source) ? ['-DTRAINYARD_PTX'] : [];
  const flags = isKernel ? nvccFlags() : [...flagsFor(used, source), ...defined];
  return { source, compiler: used, flags, object: objectOf(source, target) };
}

/** What an object was made from: it is up to date while this stays the same. */
function fingerprint({ compiler, flags, source }: Step): string {
  const hash = createHash('sha256').update(JSON.stringify([compiler.command, flags]));
  hash.update(compiler.version);
  for (const name of ['node-addon-api', 'node-api-headers']) {
    hash.update(fs.readFileSync(headers(`${name}/package.json`)));
  }
  for (const file of withIncludes(source)) hash.update(path.relative(root, file)).update(fs.readFileSync(file));
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
  if (target.kernels.length > 0) {
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

/** The C++ mirror of the op declarations. */
async function generate(): Promise<void> {
  const generator = path.join(native, 'generate.ts');
  if (!fs.existsSync(generator)) return;
  const module = (await import(pathToFileURL(generator).href)) as { generateCalls(outFile: string): void };
  module.generateCalls(path.join(generated, 'calls.h'));
}

const markOf = ({ object }: Step): string =>
  fs.existsSync(`${object}.hash`) ? fs.readFileSync(`${object}.hash`, 'utf8') : '';

/** Whether all that an addon is made of was compiled, by compilers that are here, from what is here. */
export function isUpToDate(name: (typeof targetNames)[number]): boolean {
  const target = targetOf(name);
  const [compiler, nvcc] = [findCompiler(), needsNvcc(target) ? findNvcc() : undefined];
  const steps = stepsOf(target, compiler, nvcc);
  return fs.existsSync(target.file) && steps.every((step) => markOf(step) === fingerprint(step));
}

/** What the assembler said of the kernels of the CUDA addon, source by source. */
export function kernelLogs(): string[] {
  const target = targetOf('cuda');
  const logs = target.kernels.map((source) => `${objectOf(source, target)}.log`);
  return logs.filter((file) => fs.existsSync(file)).map((file) => fs.readFileSync(file, 'utf8'));
}

const needsNvcc = ({ kernels, texts = [] }: Target): boolean => kernels.length + texts.length > 0;

/** Builds what is out of date of an addon. @throws BuildError with one line for the user */
export async function buildNative(name: (typeof targetNames)[number]): Promise<void> {
  const start = performance.now();
  const target = targetOf(name);
  const compiler = findCompiler();
  const nvcc = needsNvcc(target) ? findNvcc() : undefined;
  if (needsNvcc(target) && !nvcc)
    throw new BuildError(`${noNvcc()}: install the CUDA toolkit, or name its nvcc in NVCC.`);
  for (const dir of [objects, generated, path.dirname(target.file)]) fs.mkdirSync(dir, { recursive: true });
  await generate();
  const steps = stepsOf(target, compiler, nvcc);
  if (target.texts) removeOtherTexts(path.dirname(target.file), steps);
  const stale = steps.filter((step) => !fs.existsSync(step.object) || markOf(step) !== fingerprint(step));
  // The longest first: kernels are compiled for several instruction sets, or GPUs.
  const isLong = ({ source }: Step): number =>
    Number(source.includes('isa_') || target.kernels.includes(source) || target.texts?.includes(source));
  stale.sort((a, b) => isLong(b) - isLong(a));
  await inParallel(stale, Math.max(2, os.availableParallelism()), compile);
  // The addon is as good as the objects that it was linked from.
  const linked = target.file.replace(/node$/, 'hash');
  const marks = steps.map(markOf).join('\n');
  const current = fs.existsSync(target.file) && fs.existsSync(linked) && fs.readFileSync(linked, 'utf8') === marks;
  if (!current) {
    await link(
      target,
      target.sources.map((source) => objectOf(source, target)),
      compiler,
      nvcc,
    );
    fs.writeFileSync(linked, marks);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`native (${name}): compiled ${stale.length} of ${steps.length} files in ${seconds} s`);
}

/** Why an addon that only tests need is left out here; nothing where it can be built. */
function reasonToLeaveOut(name: (typeof targetNames)[number]): string | undefined {
  if (name !== 'ptx' && name !== 'interpreter') return undefined;
  if (findCompiler().msvc) return 'it is written for GCC and Clang, so its tests are skipped';
  if (name === 'ptx' && !findNvcc()) return `${noNvcc()}, so what it makes of the kernels is not tested`;
  return undefined;
}

/** Builds for GPUs where it can be done. Whoever has no use for it must not fail to install for it. */
async function buildForGpus(): Promise<void> {
  if (process.platform === 'darwin') return;
  if (!findNvcc()) {
    console.log(`native (cuda): ${noNvcc()}, so this build trains on the processor alone`);
    return;
  }
  try {
    await buildNative('cuda');
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`native (cuda): ${error.message} This build trains on the processor alone.`);
  }
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  const asked = process.argv.slice(2);
  try {
    for (const name of asked.length > 0 ? asked : ['cpu']) {
      const target = targetNames.find((t) => t === name);
      if (!target) throw new BuildError(`There is nothing to build that is named ${name}: ${targetNames.join(', ')}.`);
      const reason = reasonToLeaveOut(target);
      if (reason) {
        // One of an earlier build would be tested for what is here now.
        fs.rmSync(targetOf(target).file, { force: true });
        console.log(`native (${target}): ${reason}`);
      } else await buildNative(target);
    }
    if (asked.length === 0) await buildForGpus();
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`native: ${error.message}`);
    process.exitCode = 1;
  }
}
