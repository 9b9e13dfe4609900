/** How long runs take. */
import { UserError } from '../../base/errors.ts';
import { kindOf, type RunDevice } from '../../engine/devices/registry.ts';
import type { Gpu } from '../../engine/fit/gpus.ts';
import type { RunConfig } from '../../engine/run/config.ts';
import type { Studio } from '../studio.ts';
import { type TimeEstimate, type TimeReport, validationWindowsOf } from './estimate.ts';
import { measureSteps } from './measure.ts';

export class Time {
  readonly #studio: Studio;

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  /** How long a run would take, here and on another GPU: see `timeSteps`. */
  async estimate(config: RunConfig, gpu?: Gpu, signal?: AbortSignal): Promise<TimeReport> {
    await this.knowSpeed(config.device.kind, signal);
    const asked = { config, home: this.#studio.home, gpu, windows: validationWindowsOf(this.#studio.home, config) };
    return this.#studio.planner.ask('time', asked, signal);
  }

  /** How long a run takes from a step to its end; null where nothing is known of its device. */
  async rest(config: RunConfig, from: number): Promise<TimeEstimate | null> {
    const windows = validationWindowsOf(this.#studio.home, config);
    return (await this.#studio.planner.ask('time', { config, home: this.#studio.home, windows, from })).here;
  }

  /** Has what is measured once of a kind of devices: the first time it takes a second. Beside a run it would be wrong. */
  async knowSpeed(kind: RunDevice, signal?: AbortSignal): Promise<void> {
    const isToMeasure = kindOf(kind).unmeasured?.(this.#studio.home) !== undefined && !this.#studio.training.isActive;
    if (isToMeasure) await this.#studio.planner.ask('measure', { findings: this.#studio.home }, signal);
  }

  /** Times a few steps of a run on its device, and keeps what was found. @throws UserError see `measureSteps` */
  measure(config: RunConfig, signal?: AbortSignal): Promise<void> {
    if (this.#studio.store.runs.list({ state: ['training', 'preparing'] }).length > 0)
      throw new UserError(
        'A run trains now: steps beside it take longer than they will. They are timed when it rests.',
      );
    return measureSteps(this.#studio.home, config, this.#studio.spawn, signal);
  }
}
