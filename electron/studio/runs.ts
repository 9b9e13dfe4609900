/** Runs as records: how they are made, queued, changed and deleted. */
import { formatCount } from '../base/format.ts';
import fs from 'node:fs';
import type { DeviceChoice } from '../engine/devices/choose.ts';
import type { LowBitStates } from '../engine/optimizers/index.ts';
import type { Admission } from '../engine/run/admission.ts';
import { parseRunConfig, parseStoredConfig, type Phase, type RunConfig } from '../engine/run/config.ts';
import { startedPhases } from '../engine/run/phaseChange.ts';
import { schedule, totalSteps } from '../engine/run/schedule.ts';
import { UserError } from '../base/errors.ts';
import { runDir } from './home.ts';
import { requireData, notValidated } from './run/data.ts';
import { holdersOf } from './run/holders.ts';
import { copyInitialWeights, requireParent } from './run/initial.ts';
import { stageFiles } from './run/staged.ts';
import { endOf, requireGoesOn } from './run/early.ts';
import { requireTrainableApart } from './run/trainable.ts';
import type { StartedRun } from './run/begin.ts';
import type { Run, RunPatch } from './store/index.ts';
import type { Studio } from './studio.ts';

/** How a run comes to be made. */
export interface Making {
  /** The preset that it was made from. */
  readonly preset?: string | null;
  /** What the request for it is called, which makes no second one. */
  readonly requestKey?: string | undefined;
  /** Called with its id in the transaction that stores it. */
  readonly onMade?: ((id: string) => void) | undefined;
}

/** Runs, whether they train or not: see `Training` for how they do. */
export class Runs {
  readonly #studio: Studio;
  /** What was found out of runs that were made here and not started yet. */
  readonly #admissions = new Map<string, Admission>();

  /** Requests that are being answered, by what they are called. */
  readonly #making = new Map<string, Promise<StartedRun>>();

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  /**
   * Stores a new run; nothing is trained yet.
   * @throws UserError when its data is missing or too little, or its device can't train it: nothing is made then
   */
  async create(config: RunConfig, name: string, { onMade = () => {}, ...origin }: Making = {}): Promise<Run> {
    const checked = parseRunConfig(config);
    const holders = holdersOf(this.#studio.store, checked.device);
    const admission = await requireTrainableApart(this.#studio.planner, this.#studio.home, checked, holders);
    return this.#createAdmitted(checked, name, origin, ({ id }) => {
      this.#admissions.set(id, admission);
      onMade(id);
    });
  }

  /**
   * Stores a new run that trains when its turn comes; whether its device has the memory for it is looked at then.
   * @throws UserError when its data is missing or too little: nothing is made then
   */
  async createQueued(config: RunConfig, name: string, { onMade = () => {}, ...origin }: Making = {}): Promise<Run> {
    const { store, jobs } = this.#studio;
    const run = await this.#createAdmitted(parseRunConfig(config), name, origin, ({ id }) => {
      store.runs.setState(id, 'queued');
      store.claims.release(id);
      jobs.add('train', { id }, true);
      onMade(id);
    });
    jobs.begin();
    return store.runs.get(run.id);
  }

  /**
   * Makes a run that a request asks for, unless it has made it before.
   * @param key what the request is called
   * @throws what `make` throws: then the request may be repeated
   */
  async once(key: string, make: () => Promise<StartedRun>): Promise<StartedRun> {
    const made = this.#studio.store.runs.requested(key);
    if (made) return { id: made.id, queued: made.state === 'queued' };
    let making = this.#making.get(key);
    if (!making) {
      making = make().finally(() => this.#making.delete(key));
      this.#making.set(key, making);
    }
    return making;
  }

  /** Puts a run at rest into the queue. @throws UserError when it trains, is queued already, or was stopped early */
  enqueue(run: Run, others: { device?: DeviceChoice; lowBitStates?: LowBitStates } = {}): void {
    this.#studio.training.requireRest(run.id);
    const now = this.#studio.store.runs.get(run.id);
    if (now.state === 'queued') throw new UserError(`The run ${run.name} is queued already.`);
    requireGoesOn(now);
    this.#studio.store.runs.setState(run.id, 'queued');
    this.#studio.jobs.submit('train', { id: run.id, ...others }, true);
  }

  async #createAdmitted(
    checked: RunConfig,
    name: string,
    { preset = null, requestKey }: Omit<Making, 'onMade'>,
    onMade: (run: Run) => void,
  ): Promise<Run> {
    this.#studio.store.requireInPlace();
    requireData(this.#studio.home, checked);
    const stepsTotal = totalSteps(schedule(checked));
    const parent = checked.init ? this.#studio.store.runs.get(checked.init.run) : undefined;
    const weights = parent ? this.#studio.checkpoints.of(parent, checked.init!.step).path : undefined;
    if (parent) requireParent(checked, this.configOf(parent));
    const staged = weights === undefined ? undefined : stageFiles(this.#studio.home);
    try {
      if (weights !== undefined) await copyInitialWeights(staged!.dir, weights);
      return this.#studio.store.atomically(() => {
        const run = this.#studio.store.runs.create({
          name,
          preset,
          requestKey,
          config: checked,
          device: checked.device.kind,
          stepsTotal,
          tokensTotal: stepsTotal * checked.tokensPerStep,
        });
        if (parent) this.#studio.store.events.add(run.id, 0, 'info', 'begun', startedFrom(parent, checked));
        for (const note of notValidated(this.#studio.home, checked))
          this.#studio.store.events.add(run.id, 0, 'warning', 'notValidated', note);
        onMade(run);
        staged?.publish(run.id);
        return run;
      });
    } catch (error) {
      await staged?.discard();
      throw error;
    }
  }

  /** How many phases a run has begun. Of one that trains they are known sooner than its steps. */
  startedPhases(run: Run): number {
    const trained = startedPhases(this.configOf(run), run.step).length;
    const isActive = run.state === 'training' || run.state === 'preparing';
    return isActive ? Math.max(trained, ...this.#studio.store.phases.list(run.id).map((p) => p.index + 1)) : trained;
  }

  /** The phases that a run has begun, as others are put behind them: what was stopped early ends where it was stopped. */
  phasesBefore(run: Run): Phase[] {
    return endOf(run, this.configOf(run)).phases.slice(0, this.startedPhases(run));
  }

  /** Changes what people call a run, and whether it is put away. @throws UserError when it trains and is to be put away */
  edit(run: Run, patch: Pick<RunPatch, 'name' | 'tags' | 'notes' | 'archived'>): void {
    if (patch.archived) {
      this.#studio.training.requireRest(run.id);
      this.#studio.jobs.dropRun(run.id);
    }
    this.#studio.store.runs.update(run.id, patch);
  }

  /**
   * Deletes an archived run: what is stored of it, and its checkpoints.
   * @throws UserError when it is not archived, or trains
   */
  async remove(run: Run): Promise<void> {
    this.#studio.training.requireRest(run.id);
    if (!run.archived) throw new UserError(`The run ${run.name} is not archived: archive it first, then delete it.`);
    this.#studio.jobs.dropRun(run.id);
    await this.#studio.training.atRest(run.id, async () => {
      await this.#studio.store.runs.deleteInTurns(run.id, true);
      await fs.promises.rm(runDir(this.#studio.home, run.id), { recursive: true, force: true });
    });
  }

  /** What a run trains, as it is stored. */
  configOf(run: Run): RunConfig {
    return parseStoredConfig(run.config as object);
  }

  /** What was found out when a run was made here; once. */
  takeAdmission(id: string): Admission | undefined {
    const admission = this.#admissions.get(id);
    this.#admissions.delete(id);
    return admission;
  }
}

/** What a run's weights were when it began. */
function startedFrom({ id, name, config }: Run, { init, model }: RunConfig): string {
  const { contextLength } = (config as RunConfig).model;
  const longer = model.contextLength > contextLength;
  const positions = longer ? `; ${contextLength} positions became ${model.contextLength} (${init?.positions})` : '';
  return `initialized from ${name} (${id}), step ${formatCount(init!.step)}${positions}`;
}
