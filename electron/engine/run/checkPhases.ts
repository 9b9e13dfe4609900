import { formatCount, plural } from '../../base/format.ts';
import { type MixPart, sharedDocuments, sourceName } from '../../data/sampling/mix.ts';
import { overlap, sameSubset, showSubset } from '../../data/subsets.ts';
import { SettingError, UsageError } from '../../base/errors.ts';
import type { RunConfig } from './config.ts';
import { lengthOf, settingsOf } from './schedule.ts';

/**
 * What a phase's own schema can't see: whether it goes with the run and the other phases.
 * @throws UsageError for a micro-batch that does not divide a step, an end behind a phase's own, and subsets that share documents without being equal
 */
export function checkPhases(config: RunConfig): void {
  const { tokensPerStep, model } = config;
  const earlier: { part: MixPart; phase: number }[] = [];
  for (const [index, phase] of config.phases.entries()) {
    const length = lengthOf(phase, tokensPerStep);
    if (phase.endAfter !== undefined && phase.endAfter > length) {
      throw new SettingError(
        `phases.${index}.endAfter`,
        `Phase ${index + 1} has ${plural(length, 'step')} and can't end after ${formatCount(phase.endAfter)}: give it ${formatCount(length)} or fewer.`,
      );
    }
    const micro = (phase.batch ?? config.batch) * model.contextLength;
    // The run's own batch is checked with the run.
    if (phase.batch !== undefined && tokensPerStep % micro !== 0) {
      throw new SettingError(
        `phases.${index}.batch`,
        `Phase ${index + 1} has batch ${phase.batch}, and a step of ${plural(tokensPerStep, 'token')} is no multiple of ${phase.batch} × ${formatCount(model.contextLength)} = ${formatCount(micro)}: choose a batch that divides ${formatCount(tokensPerStep / model.contextLength)}.`,
      );
    }
    const { mix } = settingsOf(config, phase);
    const shared = sharedDocuments(mix);
    if (shared) {
      throw new UsageError(
        `The mix of phase ${index + 1} has ${sourceName(shared[0])} and ${sourceName(shared[1])}, which share documents: name each document once, with one weight.`,
      );
    }
    for (const part of mix) {
      const { dataset, subset } = part;
      const rival = earlier.find(
        ({ part: e }) => e.dataset === dataset && overlap(e.subset, subset) && !sameSubset(e.subset, subset),
      );
      if (rival) {
        throw new UsageError(
          `Phases ${rival.phase} and ${index + 1} train on ${showSubset(rival.part.subset)} and ${showSubset(subset)} of ${dataset}, which share documents: make them equal, or let one start where the other ends.`,
        );
      }
    }
    earlier.push(...mix.map((part) => ({ part, phase: index + 1 })));
  }
}
