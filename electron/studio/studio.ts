import path from 'node:path';
import { cleanPartials, latestValid, type RefusedCheckpoint } from '../engine/checkpoint/index.ts';
import { parseRunConfig, type RunConfig } from '../engine/config.ts';
import { schedule, totalSteps } from '../engine/trainer/schedule.ts';
import { UserError } from '../errors.ts';
import { openStore, type Run, type Store } from './store/index.ts';
import { datasetsDir, runDir } from './home.ts';
import { RunHandle } from './runHandle.ts';

/** Runs and what is known of them: the one place that starts engines and writes the store. */
export class Studio {
  readonly home: string;
  readonly store: Store;

  private constructor(home: string, store: Store) {
    this.home = home;
    this.store = store;
  }

  /** Opens the studio's home; runs whose process is gone are marked interrupted. */
  static open(home: string): Studio {
    const store = openStore(home);
    store.markInterrupted();
    return new Studio(home, store);
  }

  /** Stores a new run; nothing is trained yet. */
  createRun(config: RunConfig, name: string): Run {
    const checked = parseRunConfig(config);
    const stepsTotal = totalSteps(schedule(checked));
    return this.store.createRun({
      name,
      config: checked,
      device: checked.device.kind,
      stepsTotal,
      tokensTotal: stepsTotal * checked.tokensPerStep,
    });
  }

  checkpointRoot(run: Run): string {
    return path.join(runDir(this.home, run.id), 'checkpoints');
  }

  configOf(run: Run): RunConfig {
    return parseRunConfig(run.config);
  }

  /** Starts a run that has not trained yet. */
  start(run: Run): RunHandle {
    return this.#launch(run, undefined);
  }

  /**
   * Goes on with a run from its last whole checkpoint; damaged ones are named in `refused` and passed over.
   * @throws UserError when the run is running, complete, or has nothing to go on from
   */
  async resume(run: Run): Promise<{ handle: RunHandle; step: number; refused: readonly RefusedCheckpoint[] }> {
    if (run.state === 'training' || run.state === 'preparing') {
      throw new UserError(`The run ${run.id} is training now (process ${run.pid}): stop it there first.`);
    }
    const root = this.checkpointRoot(run);
    await cleanPartials(root);
    const { checkpoint, refused } = await latestValid(root);
    if (!checkpoint) {
      if (refused.length > 0) {
        throw new UserError(
          `No checkpoint of ${run.id} is whole (${refused.map((r) => r.reason).join('; ')}): it can't be resumed.`,
        );
      }
      return { handle: this.#launch(run, undefined), step: 0, refused };
    }
    const { step } = checkpoint;
    if (step >= (run.stepsTotal ?? 0))
      throw new UserError(`The run ${run.id} is complete (step ${step}): nothing is left to train.`);
    return { handle: this.#launch(run, { step, dir: checkpoint.dir }), step, refused };
  }

  #launch(run: Run, from: { step: number; dir: string } | undefined): RunHandle {
    this.store.truncateAfter(run.id, from?.step ?? -1);
    const config = this.configOf(run);
    return new RunHandle(this.store, run, {
      type: 'start',
      config,
      datasetDir: path.join(datasetsDir(this.home), config.dataset),
      checkpointRoot: this.checkpointRoot(run),
      ...(from ? { resumeFrom: from.dir } : {}),
    });
  }

  close(): void {
    this.store.close();
  }
}
