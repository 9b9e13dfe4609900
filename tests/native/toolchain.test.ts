import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { architecturesFor } from '../../native/architectures.ts';
import { BuildError, findGpus, findNvcc, noNvcc, wheelFolder } from '../../native/toolchain.ts';
import { tempDir } from '../temp.ts';
import { posix, where } from '../frame/needs.ts';

/** A compiler that only says what it is. */
function nvccOf(cuda: string): string {
  const file = path.join(tempDir(), 'nvcc');
  fs.writeFileSync(file, `#!/bin/sh\necho "Cuda compilation tools, release ${cuda}, V${cuda}.89"\n`, { mode: 0o755 });
  return file;
}

const defaults = ['/usr/local/cuda/bin/nvcc', path.join(wheelFolder, 'nvidia/cu13/bin/nvcc')];

where(describe, posix)('the compiler for GPUs', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('is the one that is named, where that is new enough', () => {
    for (const cuda of ['12.0', '13.1', '20.2']) {
      const nvcc = nvccOf(cuda);
      vi.stubEnv('NVCC', nvcc);
      expect(findNvcc()).toMatchObject({ command: [nvcc], version: expect.stringContaining(cuda) });
    }
    const old = nvccOf('11.8');
    vi.stubEnv('NVCC', old);
    expect(findNvcc()).toBeUndefined();
    expect(noNvcc()).toBe(`${old} is of CUDA 11.8, and it takes 12 or newer`);
    vi.stubEnv('NVCC', path.join(tempDir(), 'none'));
    expect(findNvcc()).toBeUndefined();
    expect(noNvcc()).toBe('no nvcc was found');
  });

  it('is looked for behind one that is too old', () => {
    vi.stubEnv('NVCC', undefined);
    vi.stubEnv('PATH', `${path.dirname(nvccOf('11.5'))}${path.delimiter}${process.env.PATH}`);
    expect(findNvcc()?.command[0]).toBe(defaults.find((file) => fs.existsSync(file)));
    expect(noNvcc()).toBe('nvcc is of CUDA 11.5, and it takes 12 or newer');
  });
});

where(describe, posix)('the GPUs that kernels are compiled for', () => {
  afterEach(() => vi.unstubAllEnvs());

  /** Makes a driver answer. */
  function answer(lines: string): void {
    const dir = tempDir();
    fs.writeFileSync(path.join(dir, 'nvidia-smi'), `#!/bin/sh\n${lines}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${dir}${path.delimiter}${process.env.PATH}`);
  }

  it('are those of which the driver tells, each kind once', () => {
    answer('echo 8.6; echo 12.0; echo 8.6');
    expect(findGpus()).toEqual([86, 120]);
  });

  it('are none where the driver does not answer', () => {
    answer('echo "NVIDIA-SMI has failed" >&2; exit 9');
    expect(findGpus()).toBeUndefined();
  });

  it('have the code of the nearest that there is', () => {
    expect(architecturesFor([86])).toEqual([86]);
    expect(architecturesFor([120, 87, 86, 80])).toEqual([80, 86, 90]);
    expect(() => architecturesFor([90, 75])).toThrow(
      new BuildError('There are no kernels for compute capability 7.5: it takes 8.0 or newer.'),
    );
  });
});
