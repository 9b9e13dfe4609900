import { messageOf } from '../../base/errors.ts';
import { requireTrainable } from './admission.ts';
import { openSources } from './data.ts';
import { freshGuards } from './stability.ts';
import { withChangedPhases } from './phaseChange.ts';
import type { Run } from './run.ts';
import { phaseAt, schedule, settingsOf } from './schedule.ts';
import { hold, usePrograms } from './switch.ts';

/** How often data that is being prepared is looked for. */
const waitMs = 1000;

/** Answers what was asked about later phases. @returns whether they were changed */
export async function changePhases(run: Run): Promise<boolean> {
  const asked = run.requests.takePhaseChanges();
  let changed = false;
  if (asked.length > 0) await run.loaded.stepper.rest();
  for (const { id: request, change, datasetDirs } of asked) {
    const { training, device } = run.options;
    const { step } = run.state;
    try {
      const config = withChangedPhases(run.config, step, change);
      training.add(datasetDirs);
      openSources(training, config, step);
      const admission = requireTrainable(config, step, device, run.memory.now);
      await hold(
        run,
        admission.map((a) => a.plan),
      );
      run.config = config;
      run.phases = schedule(config);
    } catch (error) {
      run.log.emit({ type: 'phasesRefused', step, request, reason: messageOf(error) });
      continue;
    }
    changed = true;
    run.log.emit({ type: 'phases', step, request, phases: run.config.phases });
    // Recorded before a step is trained by it: a run that is killed then goes on as if it had always been so.
    await run.log.flush();
  }
  if (changed) run.entered = -1;
  return changed;
}

/**
 * Whether the phase of the next step can be trained. One that waits for its data looks for it once a second, and in between
 * the run does what it is asked for: it can be stopped, and given other phases.
 */
export async function hasData(run: Run): Promise<boolean> {
  const { step } = run.state;
  const { phase } = phaseAt(run.phases, step);
  const { mix } = settingsOf(run.config, phase);
  const isThere = !phase.wait || mix.every((source) => run.options.training.isThere(source));
  if (isThere === run.isWaiting) run.log.emit({ type: 'activity', step, activity: isThere ? 'training' : 'waiting' });
  run.isWaiting = !isThere;
  if (!isThere) {
    await run.loaded.stepper.rest();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return isThere;
}

/** Enters the phase of the next step, where that is another one. */
export async function enterPhase(run: Run): Promise<void> {
  const { step } = run.state;
  const { phase, index, start } = phaseAt(run.phases, step);
  if (index === run.entered) return;
  run.entered = index;
  await usePrograms(run, settingsOf(run.config, phase));
  // Another phase may have other data and rates: what was a usual loss before says nothing.
  // Once: a run that is resumed in front of a step that it skipped remembers that it did.
  if (run.state.entered !== start) {
    run.state = { ...run.state, ...(step === start ? { guards: freshGuards } : {}), entered: start };
  }
  run.log.emit({ type: 'phase', step, index, kind: phase.kind });
}
