import { describe, expect, it } from 'vitest';
import type { EventView } from '../../electron/api/types.ts';
import { isGpus, memoryOf } from '../../renderer/pages/run/memory.ts';

const event = (id: number, kind: string, data: unknown): EventView => ({
  ...{ id, kind, data },
  time: 0,
  step: id,
  level: 'info',
  message: '',
});
const isGpuKind = (kind: string) => kind === 'cuda';
const report = (plannedBytes: number) => ({
  plannedBytes,
  allocatedBytes: plannedBytes,
  overheadBytes: 1,
  roleBytes: {},
});

describe('the memory that a run holds', () => {
  it('is what was told last: at its start, or as its programs changed', () => {
    const events = [
      event(1, 'started', report(100)),
      event(2, 'skip', null),
      event(3, 'optimizer', report(200)),
      event(4, 'batch', report(300)),
      event(5, 'device', { from: {}, to: {} }),
    ];
    expect(memoryOf(events)?.plannedBytes).toBe(300);
    expect(memoryOf(events.slice(0, 3))?.plannedBytes).toBe(200);
    expect(memoryOf([...events, event(6, 'started', report(150))])?.plannedBytes).toBe(150);
  });

  it('is what it was reported of, whatever the run has for a device since', () => {
    expect(isGpus({ ...report(1), device: 'cuda' }, false, isGpuKind)).toBe(true);
    expect(isGpus({ ...report(1), device: 'cpu' }, true, isGpuKind)).toBe(false);
    // Of an older studio.
    expect(isGpus(report(1), true, isGpuKind)).toBe(true);
  });

  it('is not known before a run has begun', () => {
    expect(memoryOf([])).toBeUndefined();
    expect(memoryOf([event(1, 'imported', null)])).toBeUndefined();
  });
});
