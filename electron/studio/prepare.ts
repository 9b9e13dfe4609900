import os from 'node:os';
import type { PrepareJob } from '../engine/process/messages.ts';
import { UserError } from '../base/errors.ts';
import type { SpawnEngine } from './run/engine.ts';
import { messagesOf } from './run/job.ts';

export type Preparation =
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

/** How long a process is given to keep what it has done. */
const patienceMs = 10_000;

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
  const { engine, messages } = messagesOf(spawn);
  // A listener that leaves is known at once; this generator would know it at the next message.
  signal?.addEventListener('abort', () => engine.send({ type: 'stop' }), { once: true });
  let ended = false;
  try {
    engine.send({ type: 'prepare', options });
    for await (const message of messages) {
      if (message.type === 'preparing') yield { kind: 'progress', ...message.progress };
      else if (message.type === 'prepared') {
        const { name, cpuSeconds, peakBytes } = message;
        yield { kind: 'done', name, cpuSeconds, peakBytes };
      }
    }
    ended = true;
  } catch (error) {
    ended = error instanceof UserError;
    throw error;
  } finally {
    if (!ended) {
      engine.send({ type: 'stop' });
      const tooLong = new Promise<void>((resolve) => setTimeout(resolve, patienceMs).unref());
      await Promise.race([engine.exited, tooLong]);
    }
    engine.kill();
  }
}
