/**
 * Addons that only tests need (`npm run build:emulated`). `emulated` plays a GPU by the kernels' sources, `ptx` by what nvcc
 * makes of them, which `interpreter` runs as it is given; `blasLt` plays NVIDIA's library of matrix products, `nvml` that of its driver.
 */
import fs from 'node:fs';
import path from 'node:path';
import { gpuParts } from '../../native/build.ts';
import { build, buildByName, out, type Part, sourcesIn, type Target } from '../../native/compile.ts';
import { findCompiler, findNvcc, noNvcc } from '../../native/toolchain.ts';

const native = path.resolve(import.meta.dirname, '../../native');
const addon = (name: string): string => path.join(out, 'tests', `trainyard_${name}.node`);
const at = (...names: string[]): string[] => names.map((name) => path.join(import.meta.dirname, name));

/** Those of tests name headers of the product by their place in native/. */
const common: Part = { sources: [], includes: [native] };
const played: Part = { sources: [], includes: [path.join(import.meta.dirname, 'emulator'), native] };
/** What plays a GPU, by whatever runs kernels. */
const playing = [...at('emulator/gpu.cpp', 'emulator/exports.cpp'), ...gpuParts.launching];
const block = at('emulator/emulated.cpp', 'emulator/fiber.cpp');
const interpreting = sourcesIn(at('ptx')[0]!).filter(
  (source) => !/(addon|interpreterAddon|library)\.cpp$/i.test(source),
);

const emulated: Target = {
  name: 'emulated',
  file: addon('emulated'),
  parts: [
    { sources: gpuParts.runtime },
    {
      ...played,
      sources: [...playing, ...block, ...at('emulator/selfTest.cpp', 'emulator/addon.cpp')],
      prefix: 'emulated.',
    },
  ],
};

const blasLt: Target = {
  name: 'blasLt',
  file: addon('blasLt'),
  parts: [{ ...played, sources: [...at('cublasLt/cublasLt.cpp'), ...block], prefix: 'emulated.' }],
};

const nvml: Target = {
  name: 'nvml',
  file: addon('nvml'),
  parts: [{ ...common, sources: at('nvml/nvml.cpp') }],
};

const interpreter: Target = {
  name: 'interpreter',
  file: addon('interpreter'),
  parts: [{ ...common, sources: [...at('ptx/interpreterAddon.cpp'), ...interpreting] }],
};

export const ptxTarget: Target = {
  name: 'ptx',
  file: addon('ptx'),
  parts: [
    { by: 'ptx', sources: gpuParts.launching, includes: [gpuParts.cudaPlatform] },
    { sources: gpuParts.runtime },
    { ...common, sources: interpreting },
    {
      ...played,
      sources: [...playing, ...at('ptx/library.cpp', 'ptx/addon.cpp')],
      defines: ['TRAINYARD_PTX'],
      prefix: 'ptx.',
    },
  ],
};

/** Why an addon is left out here; nothing where it can be built. */
function reasonToLeaveOut({ name }: Target): string | undefined {
  if (name !== 'ptx' && name !== 'interpreter') return undefined;
  if (findCompiler().msvc) return 'it is written for GCC and Clang, so its tests are skipped';
  if (name === 'ptx' && !findNvcc()) return `${noNvcc()}, so what it makes of the kernels is not tested`;
  return undefined;
}

async function buildWhereItCanBe(target: Target): Promise<void> {
  const reason = reasonToLeaveOut(target);
  if (!reason) return build(target);
  // One of an earlier build would be tested for what is here now.
  fs.rmSync(target.file, { force: true });
  console.log(`native (${target.name}): ${reason}`);
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  const targets = [emulated, blasLt, nvml, interpreter, ptxTarget];
  const asked = process.argv.slice(2);
  await buildByName(asked.length > 0 ? asked : targets.map(({ name }) => name), targets, buildWhereItCanBe);
}
