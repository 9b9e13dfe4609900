import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cudaAddonPath, loadGpuAddon } from '../../electron/engine/devices/cuda/addon.ts';
import { chosenArchitectures } from '../../native/architectures.ts';
import { cudaTarget } from '../../native/build.ts';
import { isUpToDate, logsOf } from '../../native/compile.ts';
import { readKernelReports } from '../../native/kernels.ts';
import { lack, linux, where } from '../frame/needs.ts';

where(describe, [fs.existsSync(cudaAddonPath()), lack.cudaAddon])('the CUDA addon', () => {
  it('is compiled, without a warning, from what is here', () => {
    // `npm run build:cuda` mends this, or says why not.
    expect(isUpToDate(cudaTarget)).toBe(true);
    const logs = logsOf(cudaTarget);
    expect(logs.length).toBeGreaterThan(3);
    expect(
      logs
        .join('')
        .split('\n')
        .filter((line) => /warning/i.test(line)),
    ).toEqual([]);
  });

  it('has all kernels for every target', () => {
    const reports = readKernelReports();
    const count = (sm: number) => reports.filter((r) => r.sm === sm).length;
    const chosen = chosenArchitectures();
    expect(new Set(reports.map((r) => r.sm))).toEqual(new Set(chosen));
    for (const sm of chosen) expect(count(sm)).toBe(count(chosen[0]!));
    expect(count(chosen[0]!)).toBeGreaterThan(100);
  });

  it('keeps all that its kernels work on in registers', () => {
    expect(readKernelReports().filter((r) => r.spillStoreBytes + r.spillLoadBytes + r.stackBytes > 0)).toEqual([]);
  });

  it('loads where there is no driver', () => {
    const addon = loadGpuAddon(cudaAddonPath());
    expect(addon.countDevices()).toBeGreaterThanOrEqual(0);
    if (addon.countDevices() === 0) expect(() => addon.lookAtDevice(0)).toThrow(/driver|No GPU can be used/);
  });

  where(it, linux)('needs no library of NVIDIA', () => {
    const { stdout } = spawnSync('readelf', ['-d', cudaAddonPath()], { encoding: 'utf8' });
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.*?)\]/g)].map(([, name]) => name!);
    expect(needed).toContain('libc.so.6');
    expect(needed.filter((name) => /cuda|nv|cublas/i.test(name))).toEqual([]);
  });
});
