/** `npm run setup:nvcc`: NVIDIA's compiler without its toolkit and without root, for `npm run build:cuda`. 100 MB to fetch, 270 MB on the disk. */
import path from 'node:path';
import { BuildError, findNvcc, wheelFolder } from '../toolchain.ts';
import { unpackWheels } from './pip.ts';

const ask = (): string | undefined => findNvcc()?.command[0];

try {
  const found = ask();
  if (found) console.log(`nvcc is here already: ${found}`);
  else {
    await unpackWheels(path.join(import.meta.dirname, 'nvcc.txt'), wheelFolder);
    const nvcc = ask();
    if (!nvcc) throw new BuildError(`The nvcc in ${wheelFolder} does not run: is this machine of another kind?`);
    console.log(`nvcc: ${nvcc}`);
  }
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`setup:nvcc: ${error.message}`);
  process.exitCode = 1;
}
