import { arenaNames } from '../../program/planner.ts';
import type { Call } from '../../program/types.ts';
import { checkPrograms, type Device } from '../device.ts';
import { arenaSizes, NativeProgramSession } from '../native/session.ts';
import { cudaAddonPath, type GpuDescription, loadGpuAddon, type NativeGpu, type ProductChoice } from './addon.ts';
import { KeptProducts } from './keptProducts.ts';

export interface CudaDeviceOptions {
  /** Which GPU, as CUDA counts them. Default: the first. */
  readonly ordinal?: number;
  /** Whether float32 products are taken by tensor cores, of factors rounded to 10 bits of fraction. */
  readonly tf32?: boolean;
  /** Another addon than that with CUDA kernels, and how the threads of an emulated GPU take turns. */
  readonly addon?: string;
  readonly order?: string;
  /** Path of NVIDIA's library of matrix products (cuBLASLt); null: none. Default: that of the user's surroundings. */
  readonly library?: string | null | undefined;
  /** Where it is kept which products the library multiplies, so that bits stay the same. Default: nowhere. */
  readonly productsFile?: string | undefined;
}

export interface CudaDevice extends Device {
  readonly gpu: GpuDescription;
  readonly native: NativeGpu;
  /** Who multiplies what, of all programs so far. */
  products(): ProductChoice[];
}

/** The library that TRAINYARD_CUBLASLT names: a path, or `off`. */
function libraryOfUser(): string | null | undefined {
  const named = process.env.TRAINYARD_CUBLASLT;
  return named === 'off' ? null : named || undefined;
}

/** The library that a device would use, with its version; empty where there is none. @throws UserError when the addon is missing */
export function findLibrary(): string {
  const library = libraryOfUser();
  return library === null ? '' : loadGpuAddon(cudaAddonPath).libraryVersion(library);
}

/** How many GPUs there are. @throws UserError when the addon is missing */
export const countGpus = (): number => loadGpuAddon(cudaAddonPath).countDevices();

/** What is known of a GPU without using it, which would take of its memory. @throws UserError, Error where there is none */
export const lookAtGpu = (ordinal: number): GpuDescription => loadGpuAddon(cudaAddonPath).lookAtDevice(ordinal);

/** An NVIDIA GPU. @throws UserError when the addon is missing, Error when there is no such GPU */
export function createCudaDevice({
  ordinal = 0,
  tf32 = false,
  addon: file = cudaAddonPath,
  order,
  library = libraryOfUser(),
  productsFile,
}: CudaDeviceOptions = {}): CudaDevice {
  const addon = loadGpuAddon(file);
  const native = addon.createDevice({ ordinal, tf32, order, library });
  const gpu = addon.describeDevice(native);
  const kept = productsFile !== undefined && gpu.library !== '' ? new KeptProducts(productsFile, gpu) : undefined;
  if (kept) addon.rememberProducts(native, kept.read());
  const device: CudaDevice = {
    kind: 'cuda',
    description: `cuda: ${gpu.name}`,
    gpu,
    native,
    products: () => addon.productChoices(native),
    freeBytes: () => addon.freeBytes(native),
    supports,
    async load(programs, plan) {
      checkPrograms(device, programs);
      const session = addon.createSession(native, arenaSizes(plan), arenaNames.indexOf('paged'));
      const loaded = new NativeProgramSession(addon, session, programs, plan, true);
      kept?.add(addon.productChoices(native));
      return loaded;
    },
  };
  return device;
}

/** Keys whose scores one block holds: kMostRowKeys of native/cuda/kernels/rowAttention.h. */
const mostRowKeys = 24_000;
/** kMaxHeadDim of native/cuda/kernels/attention.h. */
const mostHeadDim = 128;

function supports({ kind, dims, args, accumulate }: Call): string | undefined {
  if ((dims.headDim ?? 0) > mostHeadDim) return `heads are ${dims.headDim} wide, and ${mostHeadDim} is the most`;
  if (kind === 'cachedAttention' && dims.context! > mostRowKeys) return `the context is longer than ${mostRowKeys}`;
  if (kind === 'packedAttention' && dims.rows! > mostRowKeys) return `more than ${mostRowKeys} rows are packed`;
  if (kind === 'linearBackwardInput' && args.pre && accumulate.has('dx')) {
    return 'a gradient that passes GELU is written, not added';
  }
  return undefined;
}
