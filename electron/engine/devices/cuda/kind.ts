import { z } from 'zod';
import path from 'node:path';
import { formatBytes } from '../../../base/format.ts';
import { UserError } from '../../../base/errors.ts';
import { dataSheetOf, peakOf } from '../../fit/gpus.ts';
import { gpuCallSeconds, gpuRecipePrecision, gpuSlowdown } from '../../fit/speed.ts';
import { type FoundGpu, type FoundGpus, moduleReserve } from '../gpu.ts';
import { deviceKind, type FoundDevice, type Numbered } from '../kind.ts';
import { createCudaDevice, cudaSupports, findLibrary, libraryOfUser, lookAtGpu } from './device.ts';
import { findGpus, seenByDriver, unusable } from './found.ts';
import { full, gpuAdvice, gpuMemory, otherGpuWith, relief, usable } from './room.ts';

const settings = {
  /** Which GPU, as CUDA counts them. Default: the first. */
  gpu: z.int().min(0).optional(),
  /** Whether float32 products are taken by tensor cores, of factors rounded to 10 bits of fraction. */
  tf32: z.boolean().optional(),
};

const isThere = ({ gpu: wanted = 0 }: Numbered): boolean =>
  findGpus().gpus.some(({ ordinal, gpu }) => ordinal === wanted && gpu !== undefined);

function requireGpu({ gpu = 0 }: Numbered): void {
  if (isThere({ gpu })) return;
  const { length } = findGpus().gpus;
  if (length > 0 && gpu >= length) {
    throw new UserError(
      `There is no GPU ${gpu} here: --gpu-index takes ${length === 1 ? '0' : `0 to ${length - 1}`} on this machine. \`trainyard doctor\` lists its GPUs; --device cpu takes the processor.`,
    );
  }
  try {
    lookAtGpu(gpu);
  } catch (error) {
    throw unusable(error);
  }
}

/** Of the GPUs that can be used the one with most memory free. */
function preferred(): Numbered | undefined {
  const free = ({ gpu }: FoundGpus['gpus'][number]) => gpu?.freeBytes ?? -1;
  const usableGpus = findGpus().gpus.filter(({ gpu }) => gpu !== undefined);
  if (usableGpus.length === 0) return undefined;
  const { ordinal } = usableGpus.reduce((max, found) => (free(found) > free(max) ? found : max));
  return ordinal > 0 ? { gpu: ordinal } : {};
}

async function unusableGpus(): Promise<string[]> {
  const { gpus, problem } = findGpus();
  if (gpus.length > 0) return gpus.flatMap((g) => g.problem ?? []);
  const seen = await seenByDriver();
  return seen === '' ? [] : [`${problem} (nvidia-smi sees ${seen})`];
}

/** One of each GPU, or one that says why there is none. */
async function find(): Promise<FoundDevice[]> {
  const { gpus: found, problem } = findGpus();
  if (problem === undefined) return found.map(describeGpu);
  // Those are there and can't be used.
  const seen = await seenByDriver();
  const description = problem + (seen === '' ? '' : ` (nvidia-smi sees ${seen})`);
  return [{ kind: 'cuda', available: false, description }];
}

function describeGpu({ ordinal, gpu, problem }: FoundGpu): FoundDevice {
  if (!gpu) return { kind: 'cuda', gpu: ordinal, available: false, description: problem! };
  const { name, computeCapability, memoryBytes, freeBytes, driver } = gpu;
  const description =
    `GPU ${ordinal}: ${name} (sm_${computeCapability.replace('.', '')}, ${driver}), ${formatBytes(memoryBytes)}, ${formatBytes(freeBytes)} of it free; ` +
    multiplier();
  return { kind: 'cuda', gpu: ordinal, available: true, description };
}

/** Who multiplies matrices on this machine's GPUs, and why it is not the library that its user names. */
function multiplier(): string {
  const library = findLibrary();
  if (library !== '') return `${library} multiplies matrices where it is faster`;
  const own = 'own kernels multiply matrices';
  const named = libraryOfUser();
  return typeof named === 'string' ? `${own}: ${named}, which TRAINYARD_CUBLASLT names, can't be loaded` : own;
}

/** NVIDIA's GPUs: own kernels in an addon, and NVIDIA's library of matrix products where that is faster. */
export const cuda = deviceKind({
  kind: 'cuda',
  noun: 'a GPU',
  label: 'NVIDIA GPU',
  shortLabel: 'GPU',
  settings,
  flags: [
    {
      flags: '--gpu-index <n>',
      setting: 'gpu',
      type: 'int',
      help: 'which GPU, as CUDA counts them; it means --device cuda',
      briefHelp: 'which GPU (0)',
      meansKind: true,
    },
    {
      flags: '--tf32',
      setting: 'tf32',
      label: 'TF32 matmuls',
      type: 'flag',
      help: 'let tensor cores take float32 products, of factors rounded to 10 bits of fraction',
      briefHelp: 'float32 products by tensor cores',
      precision: 'f32',
    },
  ],
  isThere,
  require: requireGpu,
  preferred,
  unusable: unusableGpus,
  find,
  offered: () =>
    findGpus().gpus.flatMap(({ ordinal, gpu }) =>
      gpu ? [{ gpu: ordinal, name: gpu.name, memoryBytes: gpu.memoryBytes }] : [],
    ),
  supports: cudaSupports,
  speed({ gpu = 0, tf32 = false }) {
    const seen = findGpus().gpus.find(({ ordinal }) => ordinal === gpu)?.gpu;
    if (!seen) return undefined;
    const rates = dataSheetOf(seen);
    const key = `${seen.name}, ${findLibrary() || 'own kernels'}${tf32 ? ', tf32' : ''}`;
    const { name } = seen;
    return { key, name, ...(rates ? { rates } : {}), slowdown: gpuSlowdown, callSeconds: gpuCallSeconds };
  },
  recipePrecision: gpuRecipePrecision,
  memory({ gpu = 0 }, { driverBytes, heldBy }) {
    requireGpu({ gpu });
    const seen = lookAtGpu(gpu);
    return gpuMemory(gpu, seen, driverBytes(seen.name), heldBy);
  },
  async open({ gpu: ordinal = 0, tf32 = false }, { precision, findings, heldBy }) {
    const productsFile = findings === undefined ? undefined : path.join(findings, 'gpu-products.json');
    const device = usable(
      () => createCudaDevice({ ordinal, tf32, productsFile, moduleReserveBytes: moduleReserve }),
      ordinal,
      heldBy,
    );
    const { freeBytes, memoryBytes, overheadBytes } = device.gpu;
    // What the context took is not free any more.
    const contextBytes = Math.max(0, overheadBytes);
    const seen = { memoryBytes, freeBytes: freeBytes + contextBytes };
    const memory = gpuMemory(ordinal, seen, contextBytes + moduleReserve, heldBy);
    if (memory.bytes === 0) throw full(device.gpu, memory);
    return {
      device,
      memory,
      advice: gpuAdvice(heldBy),
      peakFlops: () => peakOf(device.gpu, precision, tf32),
      ...(overheadBytes >= 0 ? { contextBytes: overheadBytes } : {}),
    };
  },
  gpus: {
    find: findGpus,
    look: lookAtGpu,
    memory: gpuMemory,
    relief: (ordinal, neededBytes, heldBy) => relief(heldBy, otherGpuWith(ordinal, neededBytes)),
    open: ({ ordinal, tf32, ownKernels = false }) =>
      createCudaDevice({ ordinal, tf32, ...(ownKernels ? { library: null } : {}) }),
    library: findLibrary,
  },
});
