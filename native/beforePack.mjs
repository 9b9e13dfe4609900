/**
 * What electron-builder asks before it packs: a package without kernels for GPUs looks like any other, and its users would
 * train on the processor without knowing why.
 */
import fs from 'node:fs';
import path from 'node:path';

const systemsWithGpus = ['linux', 'win32'];

/** @param {{ electronPlatformName: string }} context @throws Error when the package would have no GPU engine */
export default function beforePack({ electronPlatformName }) {
  const addon = path.join(import.meta.dirname, 'build', 'trainyard_cuda.node');
  if (!systemsWithGpus.includes(electronPlatformName) || fs.existsSync(addon) || process.env.TRAINYARD_NO_GPU === '1')
    return;
  throw new Error(
    'This package would have no GPU engine: run `npm run build:cuda` (where there is no nvcc, `npm run setup:nvcc` before) and pack again, or set TRAINYARD_NO_GPU=1 to pack without it.',
  );
}
