import { arenaNames, type Plan } from '../../program/planner.ts';
import type { Call } from '../../program/types.ts';
import { checkPrograms, type Device, type DeviceMemoryUse } from '../device.ts';
import { arenaSizes, NativeProgramSession, type NativeSession } from '../native/session.ts';
import { cudaAddonPath, type GpuDescription, loadGpuAddon, type NativeGpu, type ProductChoice } from './addon.ts';
import { choicesKey, choicesOf, KeptProducts } from './keptProducts.ts';
import { GpuMemory, hostArena } from './memory.ts';

export interface CudaDeviceOptions {
  /** Which GPU, as CUDA counts them. Default: the first. */
  readonly ordinal?: number;
  /** Whether float32 products are taken by tensor cores, of factors rounded to 10 bits of fraction. */
  readonly tf32?: boolean;
  /** Another addon than that with CUDA kernels; how the threads of an emulated GPU take turns, and its memory. */
  readonly addon?: string;
  readonly order?: string;
  readonly memoryBytes?: number;
  /** Path of NVIDIA's library of matrix products (cuBLASLt); null: none. Default: that of the user's surroundings. */
  readonly library?: string | null | undefined;
  /** Where it is kept which products the library multiplies, so that bits stay the same. Default: nowhere. */
  readonly productsFile?: string | undefined;
  /**
   * What is held, from `reserve` on, for what comes with programs that are loaded later; what came with those that are loaded
   * counts. Default: nothing.
   */
  readonly asideBytes?: number;
}

export interface CudaDevice extends Device {
  memory(): DeviceMemoryUse;
  reserve(plans: readonly Plan[]): void;
  holds(plans: readonly Plan[]): boolean;
  readonly gpu: GpuDescription;
  readonly native: NativeGpu;
  /** Who multiplies what, of all programs so far. */
  products(): ProductChoice[];
}

/** The library that TRAINYARD_CUBLASLT names: a path, or `off`. */
export function libraryOfUser(): string | null | undefined {
  const named = process.env.TRAINYARD_CUBLASLT;
  return named === 'off' ? null : named || undefined;
}

/** The library that a device would use, with its version; empty where there is none. @throws UserError when the addon is missing */
export function findLibrary(): string {
  const library = libraryOfUser();
  return library === null ? '' : loadGpuAddon(cudaAddonPath()).libraryVersion(library);
}

/** How many GPUs there are. @throws UserError when the addon is missing */
export const countGpus = (): number => loadGpuAddon(cudaAddonPath()).countDevices();

/** What is known of a GPU without using it, which would take of its memory. @throws UserError, Error where there is none */
export const lookAtGpu = (ordinal: number): GpuDescription => loadGpuAddon(cudaAddonPath()).lookAtDevice(ordinal);

/** An NVIDIA GPU. @throws UserError when the addon is missing, Error when there is no such GPU */
export function createCudaDevice({
  ordinal = 0,
  tf32 = false,
  addon: file = cudaAddonPath(),
  order,
  memoryBytes,
  library = libraryOfUser(),
  productsFile,
  asideBytes = 0,
}: CudaDeviceOptions = {}): CudaDevice {
  const addon = loadGpuAddon(file);
  const native = addon.createDevice({ ordinal, tf32, order, memoryBytes, library });
  const gpu = addon.describeDevice(native);
  const key = choicesKey(gpu);
  const kept = productsFile !== undefined && gpu.library !== '' ? new KeptProducts(productsFile, key) : undefined;
  if (kept) addon.rememberProducts(native, kept.read());
  const memory = new GpuMemory(addon, native, asideBytes);
  // Recordings go with their session.
  const counting = { ...addon, closeSession: (s: NativeSession) => memory.counting(() => addon.closeSession(s)) };
  const device: CudaDevice = {
    kind: 'cuda',
    description: `cuda: ${gpu.name}`,
    gpu,
    native,
    products: () => addon.productChoices(native),
    choices: () => (gpu.library === '' ? undefined : { kind: 'cuda', of: key, choices: addon.productChoices(native) }),
    remember(choices) {
      const own = choicesOf(choices, key);
      addon.rememberProducts(native, own);
      kept?.leaveOut(own);
      return choices.of === key;
    },
    memory: () => memory.now(),
    // The context before anything was loaded, and what came since.
    overheadBytes: () => Math.max(0, gpu.overheadBytes) + memory.now().broughtBytes,
    holds: (plans) => memory.holds(plans),
    reserve: (plans) => memory.reserve(plans),
    supports: cudaSupports,
    async load(programs, plan) {
      checkPrograms(device, programs);
      const loaded = memory.loading(() => {
        const session = addon.createSession(native, arenaSizes(plan), arenaNames.indexOf(hostArena));
        try {
          return new NativeProgramSession(counting, session, programs, plan, addon.fetch);
        } catch (error) {
          // It would be given back when nobody refers to it, and whoever goes on needs it before.
          addon.closeSession(session);
          throw error;
        }
      });
      kept?.keep(addon.productChoices(native));
      return loaded;
    },
  };
  return device;
}

/** Keys whose scores one block holds: kMostRowKeys of native/cuda/kernels/rowAttention.h. */
const mostRowKeys = 24_000;
/** kMaxHeadDim of native/cuda/kernels/attention.h. */
const mostHeadDim = 128;

/** What the second side of a grid may be (CUDA's programming guide, compute capabilities). */
const mostBlocks = 65_535;

/** Why no GPU can run a call, or undefined when it can; it takes no GPU to ask. */
export function cudaSupports({ kind, dims, args, accumulate }: Call): string | undefined {
  if ((dims.batch ?? 0) * (dims.heads ?? 0) > mostBlocks) return 'too many sequences are taken at once';
  if ((dims.headDim ?? 0) > mostHeadDim) return `heads are ${dims.headDim} wide, and ${mostHeadDim} is the most`;
  if (kind === 'cachedAttention' && dims.context! > mostRowKeys) return `the context is longer than ${mostRowKeys}`;
  if (kind === 'packedAttention' && dims.rows! > mostRowKeys) return `more than ${mostRowKeys} rows are packed`;
  if (kind === 'linearBackwardInput' && args.pre && accumulate.has('dx')) {
    return 'a gradient that passes GELU is written, not added';
  }
  return undefined;
}
