import { chosenOptimizer, optimizerName } from '../../state/optimizers.svelte.ts';
import { dtypeNames } from '../../text.ts';
import { memoryText, recomputeNames } from './text.ts';

/** The settings that decide how much memory a model needs to train. */
interface Needs {
  readonly batch: number;
  readonly precision?: string;
  /** Empty or absent: the default. */
  readonly optimizer?: string;
  readonly recompute: string;
}

/** What is changed from one config to another, for people: `AdamW 8-bit`, `micro-batch size 4`. */
export function changesTo(from: Needs, to: Needs): string[] {
  const changes: string[] = [];
  const precision = to.precision ?? 'f32';
  if (precision !== (from.precision ?? 'f32'))
    changes.push(`${memoryText.precision} ${dtypeNames[precision] ?? precision}`);
  if (chosenOptimizer(to.optimizer ?? '') !== chosenOptimizer(from.optimizer ?? ''))
    changes.push(optimizerName(chosenOptimizer(to.optimizer ?? '')));
  if (to.batch !== from.batch) changes.push(`${memoryText.batch} ${to.batch}`);
  if (to.recompute !== from.recompute)
    changes.push(`${memoryText.recompute} ${recomputeNames[to.recompute] ?? to.recompute}`);
  return changes;
}
