import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findNvcc, noNvcc } from '../../native/toolchain.ts';
import { tempDir } from '../temp.ts';

/** A compiler that only says what it is. */
function nvccOf(cuda: string): string {
  const file = path.join(tempDir(), 'nvcc');
  fs.writeFileSync(file, `#!/bin/sh\necho "Cuda compilation tools, release ${cuda}, V${cuda}.89"\n`, { mode: 0o755 });
  return file;
}

const usual = '/usr/local/cuda/bin/nvcc';

describe.skipIf(process.platform === 'win32')('the compiler for GPUs', () => {
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
    expect(findNvcc()?.command).toEqual(fs.existsSync(usual) ? [usual] : undefined);
    expect(noNvcc()).toBe('nvcc is of CUDA 11.5, and it takes 12 or newer');
  });
});
