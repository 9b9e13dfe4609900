import { randomBytes } from 'node:crypto';
import path from 'node:path';

/**
 * Names below a run's checkpoint folder:
 * `step-000500` is whole; `.step-000500.<random>.partial` is being written or deleted and counts for nothing;
 * `.step-000500.<random>.replaced` is a whole one that makes way for a new one of the same step, and still counts where
 * that one did not arrive.
 */
export const files = { model: 'model.safetensors', optimizer: 'optimizer.safetensors', state: 'state.json' } as const;

export type TensorFile = 'model' | 'optimizer';

export const checkpointName = (step: number): string => `step-${String(step).padStart(6, '0')}`;

const hidden = (step: number, suffix: string) => `.${checkpointName(step)}.${randomBytes(4).toString('hex')}.${suffix}`;

export const partialName = (step: number): string => hidden(step, 'partial');
export const replacedName = (step: number): string => hidden(step, 'replaced');

export interface ParsedName {
  readonly step: number;
  readonly kind: 'whole' | 'partial' | 'replaced';
}

/** What a name below the checkpoint folder stands for; null for anything that is not a checkpoint's. */
export function parseName(name: string): ParsedName | null {
  const match = /^(?:(step-\d{6,15})|\.(step-\d{6,15})\.[0-9a-f]+\.(partial|replaced))$/.exec(name);
  if (!match) return null;
  const stepName = match[1] ?? match[2]!;
  const step = Number(stepName.slice('step-'.length));
  if (checkpointName(step) !== stepName) return null;
  return { step, kind: (match[3] as 'partial' | 'replaced' | undefined) ?? 'whole' };
}

/** The step that a checkpoint's folder says it holds; null where the folder was given another name. */
export const stepOf = (dir: string): number | null => parseName(path.basename(dir))?.step ?? null;
