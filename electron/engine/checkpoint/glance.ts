import fs from 'node:fs';
import path from 'node:path';
import { isSystemError } from '../../base/systemErrors.ts';
import { CheckpointError } from './errors.ts';
import { keptMark } from './kept.ts';
import { checkpointName, files, parseName } from './names.ts';
import { type StateFile, unsealState } from './state.ts';

/** What a checkpoint says of itself, without its tensors. */
export interface GlancedCheckpoint {
  readonly dir: string;
  readonly step: number;
  readonly state: StateFile['state'];
  /** Of the two tensor files. */
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly writtenAt: number;
  /** Its user wants it kept. */
  readonly kept: boolean;
}

/**
 * The checkpoints of a run whose state and sizes are right, from the first step to the last; their tensors are not read.
 * Nothing is changed, and everything is done at once: a store is being opened.
 */
export function glanceAtCheckpoints(root: string): GlancedCheckpoint[] {
  const names = namesIn(root);
  const found = new Map<number, GlancedCheckpoint>();
  for (const name of names) {
    const parsed = parseName(name);
    if (parsed === null || parsed.kind === 'partial') continue;
    // What was being replaced counts where the new one did not arrive.
    if (parsed.kind === 'replaced' && names.includes(checkpointName(parsed.step))) continue;
    const checkpoint = glance(path.join(root, name));
    if (checkpoint?.step === parsed.step) found.set(parsed.step, checkpoint);
  }
  return [...found.values()].sort((a, b) => a.step - b.step);
}

function glance(dir: string): GlancedCheckpoint | null {
  try {
    const file = path.join(dir, files.state);
    const { step, state, files: written } = unsealState(file, fs.readFileSync(file, 'utf8'));
    const sizeOf = (name: string) => fs.statSync(path.join(dir, name)).size;
    if (sizeOf(files.model) !== written.model.bytes || sizeOf(files.optimizer) !== written.optimizer.bytes) return null;
    const bytes = written.model.bytes + written.optimizer.bytes;
    const writtenAt = Math.round(fs.statSync(file).mtimeMs);
    return { dir, step, state, bytes, writtenAt, kept: fs.existsSync(path.join(dir, keptMark)) };
  } catch (error) {
    // One that is damaged is left out, and stays where it is.
    if (error instanceof CheckpointError || isSystemError(error)) return null;
    throw error;
  }
}

function namesIn(root: string): string[] {
  try {
    return fs.readdirSync(root).sort();
  } catch (error) {
    if (isSystemError(error)) return [];
    throw error;
  }
}
