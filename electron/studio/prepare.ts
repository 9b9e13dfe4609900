import os from 'node:os';
import type { PreviewOptions, TextPreview } from '../data/prepare/preview.ts';
import type { PrepareJob } from '../engine/process/messages.ts';
import { UserError } from '../base/errors.ts';
import type { SpawnEngine } from './run/engine.ts';
import { runJob, runStoppable } from './run/job.ts';

export type Preparation =
  /** What whoever waits for it should know. */
  | { readonly kind: 'notice'; readonly text: string }
  | {
      readonly kind: 'progress';
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly textBytes: number;
      readonly tokens: number;
    }
  | {
      readonly kind: 'done';
      readonly name: string;
      /** What its process needed: seconds of all cores together, and memory at its peak. */
      readonly cpuSeconds: number;
      readonly peakBytes: number;
    };

/** Threads for data beside a run that trains: half of the cores, at least one. */
export const threadsBeside = (training: boolean): number => {
  const cores = os.availableParallelism();
  return training ? Math.max(1, Math.floor(cores / 2)) : cores;
};

/**
 * Prepares data in a process of its own, which gives way to those that train. Whoever listens no more stops it; a corpus
 * goes on from there.
 * @throws UserError when it fails, or its process is gone
 */
export async function* prepareApart(
  options: PrepareJob['options'],
  spawn: SpawnEngine,
  signal?: AbortSignal,
): AsyncGenerator<Preparation> {
  for await (const message of runStoppable({ type: 'prepare', options }, spawn, signal)) {
    if (message.type === 'preparing') yield { kind: 'progress', ...message.progress };
    else if (message.type === 'notice') yield { kind: 'notice', text: message.text };
    else if (message.type === 'prepared') {
      const { name, cpuSeconds, peakBytes } = message;
      yield { kind: 'done', name, cpuSeconds, peakBytes };
    }
  }
}

/** A drive that does not answer holds a preview up for so long. */
const previewMs = 20_000;

/**
 * Shows what a dataset would be made of, in a process of its own that ends when nobody waits for it any more.
 * @throws UserError when nothing can be shown; the signal's reason
 */
export async function previewApart(
  options: PreviewOptions,
  spawn: SpawnEngine,
  signal?: AbortSignal,
): Promise<TextPreview> {
  const late = AbortSignal.timeout(previewMs);
  try {
    for await (const message of runJob(
      { type: 'preview', options },
      spawn,
      signal ? AbortSignal.any([signal, late]) : late,
    ))
      if (message.type === 'previewed') return message.preview;
  } catch (error) {
    if (late.aborted && !signal?.aborted)
      throw new UserError(
        `No preview after ${previewMs / 1000} s: see that the drive of ${options.inputs[0]} is connected.`,
      );
    throw error;
  }
  throw new UserError('The preview ended without a result: try again.');
}
