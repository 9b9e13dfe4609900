import path from 'node:path';
import { checkpointName, openCheckpoint } from '../checkpoint/index.ts';
import type { PlanSizes } from '../program/planner.ts';
import { plannedBefore } from './admission.ts';
import { checkpoint } from './checkpoints.ts';
import { RunPrograms } from './programs.ts';
import { during, load, type Run } from './run.ts';
import { type ProgramSettings, samePrograms } from './schedule.ts';
import { restore } from './weights.ts';

/** Goes on with the programs of a phase, if they are other ones. */
export async function usePrograms(run: Run, { optimizer, batch }: ProgramSettings): Promise<void> {
  const before = { optimizer: run.state.optimizer, batch: run.loaded.programs.batch };
  if (samePrograms(before, { optimizer, batch })) return;
  const switches = before.optimizer !== optimizer;
  await during(run, switches ? 'switchingOptimizer' : 'preparing', () => reload(run, { optimizer, batch }));
  const { programs, session } = run.loaded;
  const [step, memory] = [run.state.step, run.memory.report(programs.plan, session)];
  if (switches) run.log.emit({ type: 'optimizer', step, from: before.optimizer, to: optimizer, memory });
  if (before.batch !== batch) run.log.emit({ type: 'batch', step, from: before.batch, to: batch, memory });
}

/** Holds what later phases need, now rather than when they begin. @throws UserError when it can't be had any more */
export async function hold(run: Run, plans: readonly PlanSizes[]): Promise<void> {
  if (run.memory.holds(plans)) return;
  const { batch, training } = run.loaded.programs;
  let refusal: unknown;
  const take = () => {
    try {
      run.memory.take(plans);
    } catch (error) {
      refusal = error;
    }
  };
  await during(run, 'preparing', () => reload(run, { batch, optimizer: training.optimizer.kind }, take));
  if (refusal !== undefined) throw refusal;
}

/**
 * Loads other programs: what they keep passes through a checkpoint, so that the old and the new states never need memory
 * together, and a run that is resumed here computes the same.
 * @param between done while nothing is loaded
 */
async function reload(run: Run, settings: ProgramSettings, between: () => void = () => {}): Promise<void> {
  if (run.saved !== run.state.step) await checkpoint(run);
  run.loaded.session.close();
  const planned = plannedBefore(run.options.device, run.config, settings);
  const programs = new RunPrograms(run.config, settings, { like: run.loaded.programs, planned });
  between();
  run.loaded = await load(run, programs);
  const saved = path.join(run.options.checkpointRoot, checkpointName(run.state.step));
  await restore(run, await openCheckpoint(saved, { quick: true }));
}
