import type { DeviceFigures } from '../devices/device.ts';

/**
 * What machine and GPU report while a run trains: of all processors their utilization (0 to 1), the temperature of the hottest
 * (degrees Celsius) and their power (watts), and the memory that is in use by whomever (bytes); the same of the run's GPU.
 */
export const systemMetricNames = [
  'cpuUtilization',
  'cpuTemperature',
  'cpuPower',
  'machineMemoryBytes',
  'gpuUtilization',
  'gpuTemperature',
  'gpuPower',
  'gpuMemoryBytes',
] as const;

/** What is not reported is absent. */
export type SystemMetrics = { readonly [Name in (typeof systemMetricNames)[number]]?: number };

type Names = Readonly<Record<keyof DeviceFigures, keyof SystemMetrics>>;

const machineNames: Names = {
  utilization: 'cpuUtilization',
  temperature: 'cpuTemperature',
  power: 'cpuPower',
  memoryBytes: 'machineMemoryBytes',
};

const deviceNames: Names = {
  utilization: 'gpuUtilization',
  temperature: 'gpuTemperature',
  power: 'gpuPower',
  memoryBytes: 'gpuMemoryBytes',
};

/** How often machine and device are asked, and how soon first, milliseconds. */
export const everyMs = 3000;
export const firstMs = 1000;

export interface SystemSources {
  /** See `DeviceKind.machineFigures`. */
  readonly machine: () => Promise<DeviceFigures>;
  /** See `Device.figures`. */
  readonly device?: (() => Promise<DeviceFigures>) | undefined;
}

/**
 * Asks machine and device every few seconds, beside the steps and however long these are. Each answer is reported once, with the
 * step that ends next: of several within a step their mean.
 */
export class SystemWatch {
  readonly #sources: SystemSources;
  #sums = new Map<keyof SystemMetrics, { sum: number; count: number }>();
  #timer: NodeJS.Timeout | undefined;
  /** Who has not answered yet is not asked again. */
  readonly #asked = new Set<Names>();

  constructor(sources: SystemSources) {
    this.#sources = sources;
  }

  /** @returns stops */
  start(): () => void {
    const next = (ms: number): void => {
      this.#timer = setTimeout(() => {
        void this.ask();
        next(everyMs);
      }, ms);
      // Watching keeps no process alive.
      this.#timer.unref();
    };
    next(firstMs);
    return () => clearTimeout(this.#timer);
  }

  /** Asks once. What fails to answer reports nothing: training does not depend on it. */
  async ask(): Promise<void> {
    const { machine, device } = this.#sources;
    await Promise.all([this.#ask(machine, machineNames), ...(device ? [this.#ask(device, deviceNames)] : [])]);
  }

  /** What was reported since this was last taken. */
  take(): SystemMetrics {
    if (this.#sums.size === 0) return {};
    const means = [...this.#sums].map(([name, { sum, count }]) => [name, sum / count] as const);
    this.#sums.clear();
    return Object.fromEntries(means);
  }

  async #ask(source: () => Promise<DeviceFigures>, names: Names): Promise<void> {
    if (this.#asked.has(names)) return;
    this.#asked.add(names);
    try {
      this.#add(await source(), names);
    } catch {
      // As if it had reported nothing.
    } finally {
      this.#asked.delete(names);
    }
  }

  #add(figures: DeviceFigures, names: Names): void {
    for (const figure of Object.keys(names) as (keyof DeviceFigures)[]) {
      const value = figures[figure];
      if (value === undefined) continue;
      const { sum, count } = this.#sums.get(names[figure]) ?? { sum: 0, count: 0 };
      this.#sums.set(names[figure], { sum: sum + value, count: count + 1 });
    }
  }
}
