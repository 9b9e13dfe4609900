import { opOf } from '../../program/declare.ts';
import { arenaNames, type PlanSizes } from '../../program/planner.ts';
import type { Call } from '../../program/types.ts';
import { checkPrograms } from '../device.ts';
import type { GpuDescription, GpuDevice } from '../gpu.ts';
import { arenaSizes, NativeProgramSession, type NativeSession } from '../native/session.ts';
import { cudaAddonPath, loadGpuAddon, type NativeGpu } from './addon.ts';
import { choicesKey, choicesOf, KeptProducts } from './keptProducts.ts';
import { GpuMemory, hostArena } from './memory.ts';

export interface CudaDeviceOptions {
  /** Which GPU, as CUDA counts them. Default: the first. */
  readonly ordinal?: number;
  /** Whether float32 products are taken by tensor cores, of factors rounded to 10 bits of fraction. */
  readonly tf32?: boolean;
  /** Path of the addon. Default: that of the build. */
  readonly addon?: string;
  /** Path of NVIDIA's library of matrix products (cuBLASLt); null: none. Default: that of the user's surroundings. */
  readonly library?: string | null | undefined;
  /** Where it is kept which products the library multiplies, so that bits stay the same. Default: nowhere. */
  readonly productsFile?: string | undefined;
  /**
   * What is held, from `reserve` on, for what comes with programs that are loaded later; what came with those that are loaded
   * counts. Default: nothing.
   */
  readonly moduleReserveBytes?: number;
}

export interface CudaDevice extends GpuDevice {
  reserve(plans: readonly PlanSizes[]): void;
  holds(plans: readonly PlanSizes[]): boolean;
  readonly native: NativeGpu;
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
  library = libraryOfUser(),
  productsFile,
  moduleReserveBytes = 0,
}: CudaDeviceOptions = {}): CudaDevice {
  const addon = loadGpuAddon(file);
  const native = addon.createDevice({ ordinal, tf32, library });
  const gpu = addon.describeDevice(native);
  const key = choicesKey(gpu);
  const kept = productsFile !== undefined && gpu.library !== '' ? new KeptProducts(productsFile, key) : undefined;
  if (kept) addon.rememberProducts(native, kept.read());
  const memory = new GpuMemory(addon, native, moduleReserveBytes);
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
      // Of checkpoints of earlier versions, GPUs alone had choices.
      if ((choices.kind ?? 'cuda') !== 'cuda') return true;
      const own = choicesOf(choices, key);
      addon.rememberProducts(native, own);
      kept?.leaveOut(own);
      return choices.of === key;
    },
    memory: () => memory.now(),
    figures: () => addon.figures(native),
    // The context before anything was loaded, and what came since.
    overheadBytes: () => Math.max(0, gpu.overheadBytes) + memory.now().moduleBytes,
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

/** Why no GPU can run a call, or undefined when it can; it takes no GPU to ask. */
export const cudaSupports = (call: Call): string | undefined => opOf(call.kind).limits?.gpu?.(call);
