import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeviceFigures } from '../../../electron/engine/devices/device.ts';
import type { StepMetrics } from '../../../electron/engine/run/events.ts';
import { everyMs, firstMs, SystemWatch } from '../../../electron/engine/run/systemWatch.ts';
import { cpu, hasCpu } from '../devices.ts';
import { lack, where } from '../../frame/needs.ts';
import { tempDir } from '../../temp.ts';
import { smallRun, train } from './harness.ts';

const answers = (...all: DeviceFigures[]) => {
  let n = 0;
  return vi.fn(async () => all[Math.min(n++, all.length - 1)]!);
};

describe('what machine and device report', () => {
  it('has names of its own for each, and what is absent stays so', async () => {
    const watch = new SystemWatch({
      machine: answers({ utilization: 0.5, memoryBytes: 7 }),
      device: answers({ utilization: 0.25, temperature: 60, power: 100, memoryBytes: 9 }),
    });
    expect(watch.take()).toEqual({});
    await watch.ask();
    expect(watch.take()).toEqual({
      cpuUtilization: 0.5,
      machineMemoryBytes: 7,
      gpuUtilization: 0.25,
      gpuTemperature: 60,
      gpuPower: 100,
      gpuMemoryBytes: 9,
    });
  });

  it('is given once, and the mean of what came since it was last taken, each of those that had it', async () => {
    const machine = answers({ utilization: 0.2, power: 50 }, { utilization: 0.4 }, { utilization: 0.9 });
    const watch = new SystemWatch({ machine });
    await watch.ask();
    await watch.ask();
    const { cpuUtilization, ...others } = watch.take();
    expect(cpuUtilization).toBeCloseTo(0.3, 12);
    expect(others).toEqual({ cpuPower: 50 });
    expect(watch.take()).toEqual({});
    await watch.ask();
    expect(watch.take()).toEqual({ cpuUtilization: 0.9 });
  });

  it('is what one of them says where the other one fails, until it answers again', async () => {
    let isLost = true;
    const device = async () => {
      if (isLost) throw new Error('the GPU is lost');
      return { power: 70 };
    };
    const watch = new SystemWatch({ machine: answers({ utilization: 1 }), device });
    await watch.ask();
    expect(watch.take()).toEqual({ cpuUtilization: 1 });
    isLost = false;
    await watch.ask();
    expect(watch.take()).toEqual({ cpuUtilization: 1, gpuPower: 70 });
    const broken = new SystemWatch({
      machine: async () => {
        throw new Error('no /proc');
      },
      device,
    });
    await broken.ask();
    expect(broken.take()).toEqual({ gpuPower: 70 });
  });
});

describe('watching', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('asks soon, then every few seconds, whatever steps take, until it is stopped', async () => {
    const machine = answers({ utilization: 0 });
    const stop = new SystemWatch({ machine }).start();
    await vi.advanceTimersByTimeAsync(firstMs - 1);
    expect(machine).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(machine).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(10 * everyMs);
    expect(machine).toHaveBeenCalledTimes(11);
    stop();
    await vi.advanceTimersByTimeAsync(10 * everyMs);
    expect(machine).toHaveBeenCalledTimes(11);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not ask who has not answered yet, and goes on with the other', async () => {
    const machine = answers({ utilization: 0.5 });
    const answer: ((figures: DeviceFigures) => void)[] = [];
    const device = vi.fn(() => new Promise<DeviceFigures>((settle) => void answer.push(settle)));
    const watch = new SystemWatch({ machine, device });
    const stop = watch.start();
    await vi.advanceTimersByTimeAsync(firstMs + 3 * everyMs);
    expect([machine.mock.calls.length, device.mock.calls.length]).toEqual([4, 1]);
    expect(watch.take()).toEqual({ cpuUtilization: 0.5 });
    answer[0]!({ temperature: 80 });
    await vi.advanceTimersByTimeAsync(everyMs);
    expect(device).toHaveBeenCalledTimes(2);
    expect(watch.take()).toEqual({ cpuUtilization: 0.5, gpuTemperature: 80 });
    stop();
  });
});

where(describe, [hasCpu, lack.cpu])('a run', () => {
  it('reports with a step what came while it was trained, and trains as it does without', async () => {
    const device = await cpu(1).open();
    const config = smallRun({ phases: [{ kind: 'constant', steps: 4, from: 3e-3, to: 3e-3 }] });
    const watch = new SystemWatch({
      machine: answers({ utilization: 0.5 }, { utilization: 0.75, temperature: 70 }),
      // A driver that hangs.
      device: () => new Promise<never>(() => {}),
    });
    const { events, losses } = await train(device, tempDir(), config, {
      system: watch,
      onStep: (_, step) => void (step % 2 === 1 ? watch.ask() : undefined),
    });
    const metrics = events.filter((e): e is { type: 'metrics' } & StepMetrics => e.type === 'metrics');
    expect(metrics.map((m) => [m.step, m.cpuUtilization, m.cpuTemperature])).toEqual([
      [1, undefined, undefined],
      [2, 0.5, undefined],
      [3, undefined, undefined],
      [4, 0.75, 70],
    ]);
    expect((await train(device, tempDir(), config)).losses).toEqual(losses);
  });
});
