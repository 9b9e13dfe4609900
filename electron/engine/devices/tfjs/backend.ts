import { createRequire } from 'node:module';
import util from 'node:util';
import { messageOf, UserError } from '../../../base/errors.ts';

/** TensorFlow.js, whichever package gives it. */
export type Tf = typeof import('@tensorflow/tfjs');
export type Tensor = import('@tensorflow/tfjs').Tensor;

export interface Backend {
  readonly tf: Tf;
  /** For people: `tfjs: native TensorFlow 2.15.1 on the CPU`. */
  readonly description: string;
}

/** Packages in the order of preference. Names in variables: neither needs to be installed to compile or to bundle this. */
const candidates = [
  { kind: 'native', name: '@tensorflow/tfjs-node-gpu' },
  { kind: 'javascript', name: '@tensorflow/tfjs' },
] as const;

/** TRAINYARD_TFJS, `native` or `javascript`, leaves the other package out. @throws UserError for another value */
function allowed(): readonly (typeof candidates)[number][] {
  const asked = process.env.TRAINYARD_TFJS;
  if (!asked) return candidates;
  const found = candidates.filter(({ kind }) => kind === asked);
  if (found.length > 0) return found;
  throw new UserError(
    `TRAINYARD_TFJS is '${asked}': it takes \`native\` or \`javascript\`, or nothing for the first that loads.`,
  );
}

const missing = (what: string): UserError =>
  new UserError(
    `The tfjs device needs TensorFlow.js, which ${what}: run \`npm install @tensorflow/tfjs\`, or choose the cpu device.`,
  );

/** @throws UserError when no package of TensorFlow.js is installed */
export function requireTfjs(): void {
  if (!tfjsIsThere()) throw missing('is not installed');
}

/** Whether a package of TensorFlow.js is installed: not whether it loads. */
export function tfjsIsThere(): boolean {
  return allowed().some(({ name }) => {
    try {
      return createRequire(import.meta.url).resolve(name) !== '';
    } catch {
      return false;
    }
  });
}

let loaded: Promise<Backend> | undefined;

/** Loads TensorFlow.js, once. @throws UserError when no package of it can be imported */
export function loadBackend(): Promise<Backend> {
  loaded ??= firstThatLoads();
  return loaded;
}

async function firstThatLoads(): Promise<Backend> {
  restoreRemovedUtilities();
  // TensorFlow tells of the processor's instructions as it starts; what is wrong it still says.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const problems: string[] = [];
  for (const { kind, name } of allowed()) {
    // A package may be absent, or be there without a library that it loads: both mean that the next one is tried.
    const tf = await importTf(name).catch((error: unknown) => void problems.push(messageOf(error)));
    if (!tf) continue;
    tf.enableProdMode(); // no checks of every tensor for NaN, no advice on the console
    if (kind === 'javascript') await tf.setBackend('cpu');
    await tf.ready();
    return { tf, description: `tfjs: ${kind === 'native' ? describeNative(tf) : 'plain JavaScript'}` };
  }
  throw missing(`can't be loaded (${problems.join('; ')})`);
}

/** What tfjs-node knows of the library that computes for it. */
function describeNative(tf: Tf): string {
  const { binding, isUsingGpuDevice } = tf.backend() as unknown as {
    readonly binding: { readonly TF_Version: string };
    readonly isUsingGpuDevice: boolean;
  };
  return `native TensorFlow ${binding.TF_Version} on ${isUsingGpuDevice ? 'a GPU' : 'the CPU'}`;
}

async function importTf(name: string): Promise<Tf> {
  const module = await import(name);
  return module.default ?? module;
}

/** tfjs-node 4.22 calls two functions that Node has dropped, or warns of. */
function restoreRemovedUtilities(): void {
  const target = util as unknown as Record<string, unknown>;
  target.isNullOrUndefined = (value: unknown) => value === null || value === undefined;
  target.isArray = Array.isArray;
}
