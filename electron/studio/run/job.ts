import type { FromJob, Job } from '../../engine/process/messages.ts';
import { RemoteDefect, UserError } from '../../base/errors.ts';
import type { EngineProcess, SpawnEngine } from './engine.ts';

type Message = Exclude<FromJob, { type: 'error' | 'finished' }>;

/**
 * Starts an engine process for a job. What it says ends when the job is finished.
 * @throws UserError among the messages, when the job fails, or its process is gone
 */
export function messagesOf(spawn: SpawnEngine): { engine: EngineProcess; messages: AsyncGenerator<Message> } {
  const waiting: FromJob[] = [];
  let wake = (): void => {};
  const engine = spawn((message) => {
    waiting.push(message as FromJob);
    wake();
  });
  let gone = false;
  void engine.exited.then(() => {
    gone = true;
    wake();
  });
  async function* messages(): AsyncGenerator<Message> {
    for (;;) {
      const message = waiting.shift();
      if (message === undefined) {
        if (gone) throw new UserError('The engine process ended without an error message: see `trainyard doctor`.');
        await new Promise<void>((resolve) => (wake = resolve));
      } else if (message.type === 'error') {
        throw message.stack === undefined
          ? new UserError(message.message)
          : new RemoteDefect(message.message, message.stack);
      } else if (message.type === 'finished') return;
      else yield message;
    }
  }
  return { engine, messages: messages() };
}

/**
 * Does a job in an engine process of its own, which ends when nobody listens any more.
 * @yields what comes of it
 * @throws UserError when it fails, or its process is gone; the signal's reason when that ended it
 */
export async function* runJob(job: Job, spawn: SpawnEngine, signal?: AbortSignal): AsyncGenerator<Message> {
  signal?.throwIfAborted();
  const { engine, messages } = messagesOf(spawn);
  const end = (): void => engine.kill();
  signal?.addEventListener('abort', end, { once: true });
  try {
    engine.send(job);
    yield* messages;
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
    engine.kill();
  }
}

/** How long a process is given to keep what it has done, or to remove it. */
const patienceMs = 10_000;

/**
 * Does a job that tidies up when it is stopped in an engine process of its own. Whoever listens no more, or aborts the
 * signal, stops it; its process has ended when this returns.
 * @yields what comes of it
 * @throws UserError when it fails, or its process is gone; the signal's reason when that ended it
 */
export async function* runStoppable(job: Job, spawn: SpawnEngine, signal?: AbortSignal): AsyncGenerator<Message> {
  signal?.throwIfAborted();
  const { engine, messages } = messagesOf(spawn);
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    engine.send({ type: 'stop' });
    // What hangs, as at a drive that doesn't answer, does not look at the signal.
    late ??= setTimeout(() => engine.kill(), patienceMs).unref();
  };
  // A listener that leaves is known at once; this generator would know it at the next message.
  signal?.addEventListener('abort', stop, { once: true });
  let ended = false;
  try {
    engine.send(job);
    yield* messages;
    ended = true;
  } catch (error) {
    ended = true;
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    if (ended) engine.kill();
    else stop();
    // One that waits for a drive in the system's own code can't even be killed.
    const tooLong = new Promise<void>((resolve) => setTimeout(resolve, 2 * patienceMs).unref());
    await Promise.race([engine.exited, tooLong]);
    clearTimeout(late);
  }
}
