/** What tests need that not every machine has. One that lacks it is skipped, and says so in its name. */
import type { describe, it } from 'vitest';

/** Whether something is here, and what it is called. */
export type Need = readonly [there: boolean, what: string];

/** What may lack, and where it comes from. */
export const lack = {
  cpu: "the cpu device's addon (npm run build:native)",
  emulator: 'the emulated GPU (npm run build:emulated)',
  interpreter: 'the interpreter of PTX (npm run build:emulated)',
  interpretedGpu: 'what nvcc makes of the kernels (npm run setup:nvcc, npm run build:emulated)',
  cudaAddon: 'the addon for GPUs (npm run build:cuda)',
  nvcc: 'nvcc (npm run setup:nvcc)',
  browser: 'Chromium and the built page (npm run build)',
  fonts: 'the Liberation fonts (apt-get install fonts-liberation)',
  electron: "Electron's binary (npx install-electron)",
  tensorflow: 'native TensorFlow (npm run setup:tfjs)',
  ps: 'ps',
  nm: 'nm',
  python: 'Python',
  script: '/usr/bin/script',
  mount: 'the right to mount a disk',
} as const;

export const posix: Need = [process.platform !== 'win32', 'a system other than Windows'];
export const linux: Need = [process.platform === 'linux', 'Linux'];
export const notRoot: Need = [process.getuid?.() !== 0, 'a user other than root'];

type Api = typeof describe | typeof it;

const mark = ' — needs ';

/** What a skipped test lacks, by its name. */
export function lackOf(fullName: string): string | undefined {
  const at = fullName.indexOf(mark);
  return at < 0 ? undefined : fullName.slice(at + mark.length).split(' > ')[0]!;
}

/**
 * `describe` or `it` as it is where everything is there, else one that skips, and adds to the name what lacks.
 * Takes `.each` as they do.
 */
export function where<T extends Api>(api: T, ...needs: readonly Need[]): T {
  const missing = needs.find(([there]) => !there)?.[1];
  if (missing === undefined) return api;
  const named =
    (call: (...args: unknown[]) => unknown) =>
    (name: string, ...rest: unknown[]) =>
      call(`${name}${mark}${missing}`, ...rest);
  const skip = api.skip as unknown as {
    (...args: unknown[]): unknown;
    each(...cases: unknown[]): (...args: unknown[]) => unknown;
  };
  return Object.assign(named(skip), { each: (...cases: unknown[]) => named(skip.each(...cases)) }) as unknown as T;
}
