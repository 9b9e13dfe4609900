/**
 * The addons of the product. `npm ci` (the install script) takes those that a release ships, or makes that of the CPU and, where a driver and
 * nvcc are found, that of the GPUs which are here. `npm run build:cuda` makes it for all, or for those that follow (`npm run build:cuda 86 90`).
 */
import fs from 'node:fs';
import path from 'node:path';
import { architecturesFor, chooseArchitectures } from './architectures.ts';
import { build, buildByName, out, sourcesIn, type Target } from './compile.ts';
import { takePrebuilt } from './prebuilt.ts';
import { BuildError, findGpus, findNvcc, noNvcc } from './toolchain.ts';

/** A folder or file of native/. */
const at = (name: string): string => path.join(import.meta.dirname, name);

/** What runs need. */
export const cpuTarget: Target = {
  name: 'cpu',
  file: path.join(out, 'trainyard_cpu.node'),
  parts: [
    { sources: [at('node/cpu.cpp'), at('node/delayLoad.cpp'), at('common/quantize.cpp'), ...sourcesIn(at('cpu'))] },
  ],
};

/** What every addon of GPUs is made of, whatever runs its kernels, but for what is told to Node. */
export const gpuParts = {
  runtime: [
    ...['node/cuda.cpp', 'node/delayLoad.cpp', 'common/quantize.cpp'].map(at),
    ...['gpu', 'session', 'pager', 'nvml', 'gemm/products', 'gemm/blasLt'].map((name) => at(`cuda/${name}.cpp`)),
  ],
  /** What launches kernels: compiled with `platform/launch.h` and `platform/device.h` of whatever runs them. */
  launching: [
    ...['executeF32', 'executeBf16', 'executeF16', 'execute'].map((name) => at(`cuda/${name}.cpp`)),
    ...sourcesIn(at('cuda/ops')),
  ],
  /** Where those of CUDA are. */
  cudaPlatform: at('cuda'),
} as const;

/** What has the kernels for GPUs. */
export const cudaTarget: Target = {
  name: 'cuda',
  file: path.join(out, 'trainyard_cuda.node'),
  parts: [
    { sources: [...gpuParts.runtime, at('node/cudaAddon.cpp')] },
    {
      by: 'nvcc',
      prefix: 'cuda.',
      includes: [gpuParts.cudaPlatform],
      sources: [at('cuda/platform/gpu.cpp'), ...gpuParts.launching],
    },
  ],
};

/** Builds for the GPUs that are here, where it can be done. Whoever has no use for it must not fail to install for it. */
async function buildForGpus(): Promise<void> {
  if (process.platform === 'darwin' || isShipped(cudaTarget)) return;
  const gpus = findGpus();
  if (!gpus) {
    console.log('native (cuda): no NVIDIA driver answers, so nothing is compiled for GPUs (`npm run build:cuda` does)');
    return;
  }
  if (!findNvcc()) {
    console.log(`native (cuda): ${noNvcc()}; to train on the GPU: \`npm run setup:nvcc\`, then \`npm run build:cuda\``);
    return;
  }
  try {
    chooseArchitectures(architecturesFor(gpus));
    await build(cudaTarget);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`native (cuda): ${error.message} This build trains on the processor alone.`);
  }
}

/** Whether a release has brought an addon that is of use here. Says so, or why not. */
function isShipped(target: Target): boolean {
  const taken = takePrebuilt(target);
  if (taken === true) console.log(`native (${target.name}): shipped with this release, nothing to compile`);
  else if (taken) console.log(`native (${target.name}): ${taken}`);
  return taken === true;
}

const isArchitecture = (word: string): boolean => /^\d+$/.test(word);

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  const words = process.argv.slice(2);
  const asked = words.filter((word) => !isArchitecture(word));
  const gpus = words.filter(isArchitecture).map(Number);
  const installs = asked.length === 0;
  await buildByName(installs ? ['cpu'] : asked, [cpuTarget, cudaTarget], async (target) => {
    if (target === cudaTarget) chooseArchitectures(gpus.length > 0 ? architecturesFor(gpus) : undefined);
    if (!installs || !isShipped(target)) await build(target);
  });
  if (installs && process.exitCode === undefined) await buildForGpus();
}
