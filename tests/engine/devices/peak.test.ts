import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { findDevices, isMeasured, measureDevices, openDevice } from '../../../electron/engine/devices/choose.ts';
import type { CpuDevice } from '../../../electron/engine/devices/cpu/device.ts';
import { keptPeak, measurePeak, peakOf } from '../../../electron/engine/devices/cpu/peak.ts';
import { addonPath } from '../../../electron/engine/devices/cpu/addon.ts';
import { tempDir } from '../../temp.ts';
import { hasCpu } from '../devices.ts';

/** A processor that is measured as often as anybody asks. */
function processor(peaks: number[], isa = 'avx2') {
  let measured = 0;
  const fmaPeak = () => ({ oneCore: 1, allThreads: peaks[measured++]! });
  return { device: { isa, threads: 2, fmaPeak } as unknown as CpuDevice, measured: () => measured };
}

describe("a processor's peak", () => {
  it('is measured once on a machine, for each instruction set', () => {
    const findings = tempDir();
    const { device, measured } = processor([10, 20]);
    expect(keptPeak(device, findings)).toBeUndefined();
    expect([peakOf(device, findings), peakOf(device, findings)]).toEqual([10, 10]);
    expect(measured()).toBe(1);
    expect(peakOf(processor([30], 'portable').device, findings)).toBe(30);
    expect(peakOf(processor([40]).device, findings)).toBe(10);
  });

  it('is the highest that was measured: others may have used the machine', () => {
    const findings = tempDir();
    const { device } = processor([10, 20, 5]);
    expect([1, 2, 3].map(() => measurePeak(device, findings))).toEqual([10, 20, 20]);
  });

  it('is measured anew where it can not be kept', () => {
    const { device, measured } = processor([10, 20, 30]);
    expect(peakOf(device, undefined)).toBe(10);
    expect(peakOf(device, path.join(tempDir(), 'missing'))).toBe(20);
    const findings = tempDir();
    fs.writeFileSync(path.join(findings, 'processor-peak.json'), '{"half');
    expect(peakOf(device, findings)).toBe(30);
    expect(measured()).toBe(3);
  });

  it.skipIf(!hasCpu)('is not measured as a device is opened or looked at, and is told once it is known', async () => {
    const findings = tempDir();
    const file = path.join(findings, 'processor-peak.json');
    const described = async () => (await findDevices(findings)).find((d) => d.kind === 'cpu')!.description;
    const { peakFlops } = await openDevice({ kind: 'cpu' }, { precision: 'f32', findings });
    expect(await described()).toMatch(/threads?$/);
    expect([isMeasured(findings), fs.existsSync(file)]).toEqual([false, false]);
    measureDevices(findings);
    expect(isMeasured(findings)).toBe(true);
    const known = Object.values(JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, number>);
    expect([peakFlops()]).toEqual(known);
    expect(await described()).toMatch(/, multiply-add peak \d+ GFLOP\/s$/);
  });

  it.skipIf(!hasCpu)('takes nothing with it where the thread that measures is ended meanwhile', () => {
    const program = `
      const { Worker } = require('node:worker_threads');
      const measuring = \`
        const addon = require(${JSON.stringify(addonPath)});
        const device = addon.createDevice(1);
        require('node:worker_threads').parentPort.postMessage('measuring');
        addon.fmaPeak(device);\`;
      const thread = new Worker(measuring, { eval: true });
      thread.once('message', () => setTimeout(async () => console.log('ended', await thread.terminate()), 20));`;
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    expect({ status, signal, stdout, stderr }).toEqual({ status: 0, signal: null, stdout: 'ended 1\n', stderr: '' });
  });
});
