import { createRequire } from 'node:module';
import util from 'node:util';
import { messageOf, UserError } from '../../../errors.ts';

/** TensorFlow.js, whichever package gives it. */
export type Tf = typeof import('@tensorflow/tfjs');
export type Tensor = import('@tensorflow/tfjs').Tensor;

export interface Backend {
  readonly tf: Tf;
  /** For people: `tfjs: TensorFlow on a GPU`. */
  readonly description: string;
}

/** Packages in the order of preference. Names in variables: neither needs to be installed to compile or to bundle this. */
const candidates: readonly { name: string; description: string }[] = [
  { name: '@tensorflow/tfjs-node-gpu', description: 'tfjs: native TensorFlow' },
  { name: '@tensorflow/tfjs', description: 'tfjs: plain JavaScript' },
];

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
  return candidates.some(({ name }) => {
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
  const problems: string[] = [];
  for (const { name, description } of candidates) {
    // A package may be absent, or be there without a library that it loads: both mean that the next one is tried.
    const tf = await importTf(name).catch((error: unknown) => void problems.push(messageOf(error)));
    if (!tf) continue;
    tf.enableProdMode(); // no checks of every tensor for NaN, no advice on the console
    if (name === '@tensorflow/tfjs') await tf.setBackend('cpu');
    await tf.ready();
    return { tf, description };
  }
  throw missing(`can't be loaded (${problems.join('; ')})`);
}

async function importTf(name: string): Promise<Tf> {
  const module = await import(name);
  return module.default ?? module;
}

/** tfjs-node 4.22 calls two functions that Node 23 dropped. */
function restoreRemovedUtilities(): void {
  const target = util as unknown as Record<string, unknown>;
  target.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  target.isArray ??= Array.isArray;
}
