import fs from 'node:fs';
import path from 'node:path';
import { type CheckpointContent, type Entry, writeCheckpoint } from '../../../electron/engine/checkpoint/index.ts';

const entry = (name: string, values: Float32Array): Entry => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  data: () => values,
});

/** A small checkpoint whose every value tells which one it is. */
export function contentOf(mark: number): CheckpointContent {
  return {
    model: [entry('wte.weight', new Float32Array(300).fill(mark)), entry('ln_f.bias', Float32Array.of(mark, 0.5))],
    optimizer: [
      entry('m/wte.weight', new Float32Array(300).fill(-mark)),
      { name: 'codes', dtype: 'U8', shape: [2, 2], data: async () => Uint8Array.of(mark, 1, 2, 3) },
    ],
    state: { trainer: { step: mark, bestValLoss: null, rate: 0.1 + 0.2 } },
  };
}

/** Writes checkpoints of these steps, each marked with its step. */
export async function writeSteps(root: string, ...steps: number[]): Promise<void> {
  for (const step of steps) await writeCheckpoint(root, step, contentOf(step));
}

export function flipByte(file: string, at: number): void {
  const bytes = fs.readFileSync(file);
  bytes[at]! ^= 1;
  fs.writeFileSync(file, bytes);
}

export const fileIn = (root: string, step: number, file: string): string =>
  path.join(root, `step-${String(step).padStart(6, '0')}`, file);
