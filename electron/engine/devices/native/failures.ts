import { OutOfMemory } from '../outOfMemory.ts';

/** What goes with a failure's code. */
export type FailureArgs = Readonly<Record<string, string | number>>;

/** What could not be done with CUDA's runtime. */
export const gpuActions = {
  find: 'No GPU can be used',
  ask: "The GPU can't be asked",
  askDriver: "The driver can't be asked",
  askMemory: "The GPU's memory can't be asked for",
  use: "The GPU can't be used",
  makeStream: "A stream can't be made",
  makeEvent: "An event can't be made",
  readClock: "The GPU's clock can't be read",
  wait: 'The GPU failed',
  copy: 'A copy failed',
  clear: "Memory can't be cleared",
  record: "A program can't be recorded",
  prepare: "A program can't be prepared",
  /** Of which the failure says which. */
  launch: '',
} as const;

/** What NVIDIA's library of matrix products could not do. */
export const libraryActions = {
  start: 'starting',
  describeProduct: 'describing a product',
  describeMatrix: 'describing a matrix',
  ask: 'asking for algorithms',
  multiply: 'a product',
} as const;

/**
 * The failures of native code that a user may meet, in words. Native code throws the code and the arguments (see
 * native/common/failure.h): it has no words of its own.
 */
export const failures = {
  /** name: the GPU's; neither where a device's memory is the host's. */
  outOfMemory: ({ bytes, name, isHost }) =>
    `out of memory: ${bytes} bytes could not be allocated${isHost ? ' on the host' : name ? ` on ${name}` : ''}`,
  noDriver: ({ cuda }) => `There is no NVIDIA driver here for CUDA ${cuda} or newer`,
  noSuchGpu: ({ ordinal, count }) => `There is no GPU ${ordinal}, of ${count}`,
  gpuTooOld: ({ name }) => `${name} is too old: it takes an RTX 30, an A100 or newer`,
  /** error: CUDA's name of it; problem: its sentence. */
  gpuFailed: ({ action, kernel, problem }) => `${kernel ?? gpuActions[action as keyof typeof gpuActions]}: ${problem}`,
  libraryFailed: ({ action, status }) =>
    `cuBLASLt: ${libraryActions[action as keyof typeof libraryActions]} failed with status ${status}`,
  indexOutOfRange: ({ what, index, end }) => `the ${what} ${index} is not below ${end}`,
  /** Where it is not known which. */
  someIndexOutOfRange: ({ what }) => `a ${what} is out of range`,
  positionsOutOfRange: ({ position, more, context }) =>
    `positions ${position} and the ${more} after it do not lie in a context of ${context}`,
  spansOutOfOrder: ({ row }) => `the spans of row ${row} are not in order`,
  instructionSetMissing: ({ name }) => `this processor or system has no ${name}: leave TRAINYARD_ISA unset`,
  instructionSetUnknown: ({ name, names }) => `there are no kernels for '${name}': choose one of ${names}`,
} as const satisfies Readonly<Record<string, (args: FailureArgs) => string>>;

export type FailureCode = keyof typeof failures;

/** A failure of native code. */
export class NativeFailure extends Error {
  readonly code: FailureCode;
  readonly args: FailureArgs;

  constructor(code: FailureCode, args: FailureArgs, options?: ErrorOptions) {
    super(failures[code](args), options);
    this.code = code;
    this.args = args;
  }
}

const isFailure = (error: unknown): error is Error & { readonly code: FailureCode; readonly args: FailureArgs } =>
  error instanceof Error && 'code' in error && 'args' in error && String(error.code) in failures;

/** What native code threw, in words; anything else as it is. */
function worded(error: unknown): unknown {
  if (!isFailure(error)) return error;
  const { code, args } = error;
  const failure = new NativeFailure(code, args, { cause: error });
  const isFull = code === 'outOfMemory' || (code === 'gpuFailed' && args.error === 'cudaErrorMemoryAllocation');
  return isFull ? new OutOfMemory(failure.message, Boolean(args.isHost), { cause: failure }) : failure;
}

const reject = (error: unknown): never => {
  throw worded(error);
};

const wordedAddons = new WeakMap<object, object>();

/** An addon's functions, which throw failures in words; of one addon always the same. */
export function withWords<Addon extends object>(addon: Addon): Addon {
  const known = wordedAddons.get(addon);
  if (known) return known as Addon;
  const entries = Object.entries(addon).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value] as const;
    const call = (...args: unknown[]): unknown => {
      try {
        const result: unknown = (value as (...all: unknown[]) => unknown)(...args);
        return result instanceof Promise ? result.catch(reject) : result;
      } catch (error) {
        return reject(error);
      }
    };
    return [name, call] as const;
  });
  const words = Object.fromEntries(entries);
  wordedAddons.set(addon, words);
  return words as Addon;
}
