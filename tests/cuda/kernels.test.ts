import { describe, expect, it } from 'vitest';
import { readKernelReports } from '../../native/kernels.ts';

const reports = readKernelReports();

describe.skipIf(reports.length === 0)('CUDA kernels, as compiled', () => {
  it('are there for every target', () => {
    const count = (sm: number) => reports.filter((r) => r.sm === sm).length;
    expect(new Set(reports.map((r) => r.sm))).toEqual(new Set([80, 86, 89, 90]));
    for (const sm of [86, 89, 90]) expect(count(sm)).toBe(count(80));
    expect(count(80)).toBeGreaterThan(100);
  });

  it('keep all that they work on in registers', () => {
    expect(reports.filter((r) => r.spillStoreBytes + r.spillLoadBytes + r.stackBytes > 0)).toEqual([]);
  });
});
