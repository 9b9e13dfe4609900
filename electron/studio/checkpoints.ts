/** The checkpoints of runs: on the disk, and the record of them. */
import fs from 'node:fs';
import path from 'node:path';
import { formatCount, plural } from '../base/format.ts';
import { UserError } from '../base/errors.ts';
import {
  checkpointName,
  cleanPartials,
  type LatestCheckpoint,
  latestValid,
  type OpenedCheckpoint,
  setKept,
} from '../engine/checkpoint/index.ts';
import { readTrainerState } from '../engine/run/state.ts';
import { runDir } from './home.ts';
import { requireWritable } from './run/writable.ts';
import type { CheckpointRecord, Run } from './store/index.ts';
import type { Studio } from './studio.ts';

export class Checkpoints {
  readonly #studio: Studio;

  constructor(studio: Studio) {
    this.#studio = studio;
  }

  /** Deletes a checkpoint of a run at rest. @throws UserError when the run trains, or there is no such checkpoint */
  async remove(run: Run, step: number): Promise<void> {
    await this.#studio.training.atRest(run.id, async () => {
      const checkpoint = this.of(run, step);
      await fs.promises.rm(checkpoint.path, { recursive: true, force: true });
      this.#studio.store.checkpoints.remove(run.id, step);
    });
  }

  /** Keeps a checkpoint when newer ones come, or no longer. @throws UserError when there is no such checkpoint */
  async keep(run: Run, step: number, kept: boolean): Promise<void> {
    await setKept(this.of(run, step).path, kept);
    this.#studio.store.checkpoints.keep(run.id, step, kept);
  }

  /** @throws UserError when there is no such checkpoint */
  of(run: Run, step: number): CheckpointRecord {
    const found = this.#studio.store.checkpoints.list(run.id).find((c) => c.step === step);
    if (!found) throw new UserError(`The run ${run.name} has no checkpoint of step ${formatCount(step)}.`);
    return found;
  }

  /** The folder that a run's checkpoints are in. */
  rootOf(run: Run): string {
    return path.join(runDir(this.#studio.home, run.id), 'checkpoints');
  }

  /**
   * The last whole checkpoint of a run, none where it has not saved one; damaged ones are named in `refused`.
   * @param stepsTotal that the run is to train in all
   * @throws UserError when none is whole, they are not where they were, or the run has trained all it was to
   */
  async last(run: Run, stepsTotal: number): Promise<LatestCheckpoint> {
    const root = this.rootOf(run);
    if (fs.existsSync(root)) requireWritable(root);
    await cleanPartials(root);
    const latest = await latestValid(root);
    const { checkpoint, refused } = latest;
    if (checkpoint === null && refused.length > 0) {
      const reasons = refused.map((r) => r.reason).join('; ');
      throw new UserError(`No checkpoint of ${run.id} is whole, so it can't be resumed: ${reasons}.`);
    }
    const recorded = this.#studio.store.checkpoints.list(run.id).at(-1);
    if (checkpoint === null && recorded) {
      throw new UserError(
        `The checkpoints of ${run.id} are missing from ${root} (the latest was at step ${formatCount(recorded.step)}): put them back to resume, or restart.`,
      );
    }
    if (checkpoint) this.#record(run, checkpoint);
    if (checkpoint && checkpoint.step >= stepsTotal) {
      this.#complete(run, checkpoint.step);
      throw new UserError(`The run ${run.id} is already finished (step ${formatCount(checkpoint.step)}).`);
    }
    return latest;
  }

  /** Makes the record agree with the disk: a killed process may have written or removed what it could not tell. */
  #record(run: Run, { step, dir, bytes, state }: OpenedCheckpoint): void {
    const recorded = this.#studio.store.checkpoints.list(run.id);
    const onDisk = (known: number) => fs.existsSync(path.join(this.rootOf(run), checkpointName(known)));
    for (const known of recorded) if (!onDisk(known.step)) this.#studio.store.checkpoints.remove(run.id, known.step);
    if (recorded.some((known) => known.step === step && known.path === dir)) return;
    const { bestStep } = readTrainerState(state);
    this.#studio.store.checkpoints.add(run.id, { step, path: dir, bytes, best: bestStep === step });
  }

  /** A run that was killed after its last checkpoint has all it wanted. */
  #complete({ id, state }: Run, step: number): void {
    if (state === 'completed') return;
    const message = `finished after ${plural(step, 'step')}`;
    this.#studio.store.runs.setState(id, 'completed', message);
    this.#studio.store.events.add(id, step, 'info', 'completed', message);
  }
}
